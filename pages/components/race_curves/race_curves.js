// Accuracy by training step. A recorded race plays once, when it is first seen; a live one grows.
const W = 420, H = 205, LEFT = 48, RIGHT = 12, TOP = 10, BOTTOM = 28, SECONDS = 4;
const KINDS = ["first", "second"];
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export default function ({ parentElement, data }) {
  const find = (selector) => parentElement.querySelector(selector);
  const root = find(".race"), names = Object.keys(data.curves);
  const x = (step) => LEFT + step / data.steps * (W - LEFT - RIGHT);
  const y = (share) => TOP + (1 - share) * (H - TOP - BOTTOM);
  const path = (points, kind) => make("path", {
    class: kind, d: points.map(([s, v], i) => `${i ? "L" : "M"}${x(s).toFixed(1)} ${y(v).toFixed(1)}`).join(""),
  });

  const grid = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    grid.push(make("line", { x1: LEFT, x2: W - RIGHT, y1: y(share), y2: y(share) }));
    grid.push(label(LEFT - 6, y(share) + 4, `${100 * share} %`, "end"));
  }
  for (const part of [0, 0.5, 1]) grid.push(label(x(part * data.steps), H - 8, Math.round(part * data.steps), part === 1 ? "end" : "middle"));
  grid.push(label(x(data.steps * 0.25), H - 8, "training step", "middle"));
  find(".grid").replaceChildren(...grid);
  find(".thin").replaceChildren(...data.earlier.flatMap((race) => names.map((name, i) => {
    const line = path(race.curves[name] ?? [], KINDS[i]), title = make("title", {});
    title.textContent = `${race.name}, ${name}`; line.append(title);
    return line;
  })));
  legible(find("svg"));
  find("svg").setAttribute("aria-label", `Accuracy on held-out digits by training step. ${data.words}`);

  function draw(until) {
    find(".bold").replaceChildren(...names.map((name, i) => path(data.curves[name].filter(([s]) => s <= until), KINDS[i])));
    find(".legend").replaceChildren(...names.map((name, i) => {
      const entry = document.createElement("span"), mark = entry.appendChild(document.createElement("i"));
      mark.className = KINDS[i];
      const last = data.curves[name].filter(([s]) => s <= until).at(-1);
      entry.append(last ? `${name} ${(100 * last[1]).toFixed(1)} %` : name);
      return entry;
    }));
  }

  function play() {
    cancelAnimationFrame(root.frame);
    if (still()) { draw(data.steps); return; }
    const start = performance.now();
    const tick = (now) => {
      const share = Math.min(1, (now - start) / (1000 * SECONDS));
      draw(share * data.steps);
      if (share < 1 && root.isConnected) root.frame = requestAnimationFrame(tick);
    };
    root.frame = requestAnimationFrame(tick);
  }

  find(".words").textContent = data.words;
  find(".again").style.display = data.replay ? "" : "none";
  find(".again").onclick = play;
  cancelAnimationFrame(root.frame);
  root.seen?.disconnect();
  if (data.replay && root.played !== data.replay && !still()) {
    draw(0);
    root.seen = new IntersectionObserver((entries) => {  // it plays when somebody looks
      if (!entries.some((entry) => entry.isIntersecting)) return;
      root.seen.disconnect();
      root.played = data.replay;
      play();
    }, { threshold: 0.5 });
    root.seen.observe(find("svg"));
  } else draw(Infinity);
  return () => cancelAnimationFrame(root.frame);
}

function label(x, y, text, anchor) {
  const element = make("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}

function make(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
