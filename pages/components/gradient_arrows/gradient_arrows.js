// Two arrows and what lies between them.
const DRAWINGS = {
  shift: {
    words: "G: a layer's gradient. G′: the same, once the layers in front of it have stepped. Drawn is |G − G′| / |G|; 0 is no shift.",
    paths: [["own", arrow(8, 62, 118, 44)], ["new", arrow(8, 62, 96, 12)], ["between", "M118 44L96 12"]],
    texts: [["own", 124, 50, "G"], ["new", 88, 8, "G′"], ["between", 114, 26, "G − G′"]],
  },
  smooth: {
    words: "g: the gradient here. g′: further along the same way, ½ to 4 steps. Drawn is the largest |g − g′| / distance.",
    paths: [["hill", "M4 10C50 12 62 64 112 62S160 40 186 42"], ["own", arrow(34, 20, 62, 46)], ["new", arrow(104, 61, 136, 58)], ["between", "M34 20L104 61"]],
    texts: [["own", 44, 16, "g"], ["new", 128, 50, "g′"], ["between", 76, 36, "distance"]],
  },
};

function arrow(x1, y1, x2, y2) {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const barb = (turn) => `M${x2} ${y2}L${(x2 - 8 * Math.cos(angle + turn)).toFixed(1)} ${(y2 - 8 * Math.sin(angle + turn)).toFixed(1)}`;
  return `M${x1} ${y1}L${x2} ${y2}${barb(0.45)}${barb(-0.45)}`;
}

export default function ({ parentElement, data }) {
  const drawing = DRAWINGS[data.kind];
  const make = (tag, attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    return element;
  };
  parentElement.querySelector("p").textContent = drawing.words;
  parentElement.querySelector("svg").replaceChildren(
    ...drawing.paths.map(([kind, d]) => make("path", { class: kind, d })),
    ...drawing.texts.map(([kind, x, y, text]) => make("text", { class: kind, x, y }, text)));
  legible(parentElement.querySelector("svg"));
}
