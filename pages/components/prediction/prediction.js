// A prediction, given once: a number on a slider, a choice, an order, or a curve drawn into an
// empty chart. Python knows what was measured and sends it only after the guess; then the chart
// draws itself with the guess in it.
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".prediction");
  root.send = (value) => setTriggerValue("committed", { id: data.id, value });
  if (root.dataset.id !== data.id || root.toggled !== data.revealed) begin(root, data);
  root.dataset.ready = data.id;
}

function begin(root, data) {
  const find = (selector) => root.querySelector(selector);
  const svg = find("svg"), figure = find("figure"), control = find(".control"), button = find(".commit"), hint = find(".hint");
  const animate = data.revealed && (data.kind === "dots" || root.toggled === false);
  root.dataset.id = data.id;
  root.dataset.kind = data.kind;
  root.toggled = data.revealed;
  root.toggleAttribute("data-revealed", data.revealed);
  root.toggleAttribute("data-play", animate);
  control.replaceChildren();
  hint.className = data.revealed ? "hint verdict" : "hint";
  hint.textContent = data.revealed ? data.verdict : "";
  button.textContent = "This is my prediction";
  let guess = data.guess ?? (data.kind === "number" ? data.start : data.kind === "curve" ? data.curve.labels.map(() => null) : null);
  let moved = data.revealed;
  const width = () => Math.max(280, figure.clientWidth);
  svg.setAttribute("role", data.kind === "curve" && !data.revealed ? "group" : "img");
  svg.setAttribute("aria-label", data.alt);

  const ready = () => data.kind === "curve" ? guess.every((v) => v !== null) : data.kind === "choice" ? guess !== null : data.kind === "order" ? true : moved;
  const waiting = () => data.kind === "curve"
    ? guess.some((v) => v !== null) ? `${guess.filter((v) => v !== null).length} of ${guess.length} points drawn` : "Mouse, finger, or Tab and the arrow keys"
    : data.kind === "choice" ? "Choose one" : data.kind === "number" ? "Move the slider" : "";
  function note(said) {
    if (data.revealed) return;
    button.disabled = !ready();
    hint.textContent = said || (ready() ? "Only once: then you see what was measured." : waiting());
  }
  function paint(focused) {
    figure.hidden = data.kind !== "curve" && !data.groups.length;
    if (figure.hidden) return;
    if (data.kind === "curve") {
      drawCurve(svg, data, width(), guess);
      if (!data.revealed) drawHandles(svg, data, width(), guess, changed, focused);
    } else drawDots(svg, data, width(), guess);
  }
  function changed(focused) { moved = true; paint(focused); note(); }

  if (data.kind === "number" && !data.revealed) {
    const slider = control.appendChild(Object.assign(document.createElement("input"), { type: "range", min: 0, max: 1000, value: Math.round(1000 * place(data.scale, data.start)) }));
    slider.setAttribute("aria-label", data.alt);
    const tell = () => slider.setAttribute("aria-valuetext", write(guess, data.scale.form));
    slider.oninput = () => { guess = valueAt(data.scale, slider.value / 1000); tell(); changed(); };
    svg.onpointerdown = null;
    tell();
  }
  if (data.kind === "choice") {
    const set = control.appendChild(document.createElement("fieldset"));
    set.className = "options";
    set.setAttribute("aria-label", data.alt);
    data.options.forEach((option, i) => {
      const label = set.appendChild(document.createElement("label"));
      const radio = label.appendChild(Object.assign(document.createElement("input"), { type: "radio", name: data.id, checked: guess === i, disabled: data.revealed }));
      label.append(option.label);
      radio.onchange = () => { guess = i; changed(); };
      if (!data.revealed) return;
      label.toggleAttribute("data-right", option.right);
      const words = [guess === i && "your choice", option.right && "measured"].filter(Boolean).join(", ");
      if (words) label.appendChild(Object.assign(document.createElement("span"), { className: "tag", textContent: words }));
    });
  }
  if (data.kind === "order" && !data.revealed) guess = startOrder(root, control, data, (order, said) => { guess = order; note(said); });
  if (data.kind === "curve") { if (!data.revealed) startCurve(root, svg, data, guess, width, changed); else svg.onpointerdown = null; }
  button.onclick = () => { if (!ready()) return; button.disabled = true; root.send(guess); };
  note();
  paint();
  root.watcher?.disconnect();
  let before = width();
  root.watcher = new ResizeObserver(() => { if (width() !== before) { before = width(); root.removeAttribute("data-play"); paint(); } });
  root.watcher.observe(figure);
}
