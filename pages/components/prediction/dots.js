// One line of dots a group: a dot is a seed, the bar their mean. A guess is a pin through them all.
const ROW = 46;
function drawDots(svg, data, width, guess) {
  const scale = data.scale, x = (value) => PAD + place(scale, value) * (width - 2 * PAD);
  const pinned = typeof guess === "number" && data.kind === "number";
  const top = pinned ? 34 : 6, height = top + ROW * data.groups.length + 40;
  svg.setAttribute("height", height);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const bottom = top + ROW * data.groups.length;
  let lastEnd = -Infinity;
  data.ticks.forEach((tick) => {
    const at = x(tick.at);
    make(svg, "line", { class: "grid", x1: at, x2: at, y1: top, y2: bottom });
    const half = tick.text.length * 3.7, middleAt = Math.min(width - half, Math.max(half, at));
    if (middleAt - half < lastEnd + 8) return;
    lastEnd = middleAt + half;
    make(svg, "text", { x: middleAt, y: bottom + 18, "text-anchor": "middle" }, tick.text);
  });
  if (scale.label) make(svg, "text", { x: width / 2, y: bottom + 36, "text-anchor": "middle" }, scale.label);
  // Under names and dots, which it would cross out.
  if (pinned) drawPin(svg, data, width, x(guess), write(guess, scale.form), bottom);
  data.groups.forEach((group, i) => {
    const y = top + ROW * i + 34;
    make(svg, "line", { class: "base", x1: PAD, x2: width - PAD, y1: y, y2: y });
    const label = make(svg, "text", { x: 0, y: y - 16, class: "strong" }, group.label);
    if (!group.values) {
      make(svg, "text", { x: width, y: y - 16, "text-anchor": "end", class: "guess" }, "?");
      return;
    }
    const centre = middle(scale, group.values), type = group.known ? " known" : "";
    if (pinned && data.revealed && !group.known) make(svg, "line", { class: "off late", x1: x(guess), x2: x(centre), y1: y, y2: y });
    group.values.forEach((value, k) => make(svg, "circle", { class: `dot${type}`, cx: x(value), cy: y, r: 6, style: `--at: ${0.25 + 0.12 * k + 0.1 * i}` }));
    if (group.values.length > 1) make(svg, "line", { class: `mean${type}`, x1: x(centre), x2: x(centre), y1: y - 9, y2: y + 9, style: `--at: ${0.6 + 0.1 * i}` });
    make(svg, "text", { x: width, y: y - 16, "text-anchor": "end", class: group.known ? "strong" : "truth late" }, group.written);
    const space = width - label.getComputedTextLength() - group.written.length * 8 - 24;
    if (group.note && space > group.note.length * 6.2) make(svg, "text", { x: label.getComputedTextLength() + 8, y: y - 16 }, group.note);
  });
}
function drawPin(svg, data, width, at, text, bottom) {
  make(svg, "line", { class: "pin", x1: at, x2: at, y1: 26, y2: bottom });
  const said = data.revealed ? `you: ${text}` : text, wide = said.length * 7.4 + 18;
  const left = Math.min(width - wide, Math.max(0, at - wide / 2));
  make(svg, "rect", { class: "bubble", x: left, y: 0, width: wide, height: 26, rx: 8 });
  make(svg, "text", { class: "in", x: left + wide / 2, y: 17.5, "text-anchor": "middle" }, said);
}
