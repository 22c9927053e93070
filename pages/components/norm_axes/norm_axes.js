// A block of numbers a norm: to the right the channels, to the back the images, downwards the
// places. The cells that share one mean and one variance are coloured.
const CHANNELS = 4, IMAGES = 3, PLACES = 4, W = 22, H = 15, DX = 12, DY = 9;
const NORMS = [
  ["BatchNorm", "one channel, all images", (c) => c === 1],
  ["LayerNorm", "one image, all channels", (c, n) => n === 0],
  ["InstanceNorm", "one channel of one image", (c, n) => c === 1 && n === 0],
  ["GroupNorm", "a group of channels of one image", (c, n) => c < 2 && n === 0],
];

export default function ({ parentElement }) {
  parentElement.querySelector(".axes").replaceChildren(...NORMS.map(([name, over, shared], number) => {
    const figure = document.createElement("figure");
    figure.append(block(shared, number === 0));
    const caption = figure.appendChild(document.createElement("figcaption"));
    caption.appendChild(document.createElement("b")).textContent = name;
    caption.append(over);
    return figure;
  }));
  for (const svg of parentElement.querySelectorAll("svg")) legible(svg);
}

function block(shared, named) {
  const svg = make("svg", { viewBox: `-15 -${IMAGES * DY + 2} ${CHANNELS * W + IMAGES * DX + 18} ${PLACES * H + IMAGES * DY + 18}`, "aria-hidden": "true" });
  const at = (c, n, p) => `${c * W + n * DX},${p * H - n * DY}`;  // a corner
  const face = (corners, kind, on) => svg.append(make("polygon", { points: corners.join(" "), class: on ? `${kind} on` : kind }));
  for (let n = IMAGES - 1; n >= 0; n--) for (let c = 0; c < CHANNELS; c++)
    face([at(c, n, 0), at(c + 1, n, 0), at(c + 1, n + 1, 0), at(c, n + 1, 0)], "top", shared(c, n));
  for (let n = IMAGES - 1; n >= 0; n--) for (let p = 0; p < PLACES; p++)
    face([at(CHANNELS, n, p), at(CHANNELS, n + 1, p), at(CHANNELS, n + 1, p + 1), at(CHANNELS, n, p + 1)], "side", shared(CHANNELS - 1, n));
  for (let c = 0; c < CHANNELS; c++) for (let p = 0; p < PLACES; p++)
    face([at(c, 0, p), at(c + 1, 0, p), at(c + 1, 0, p + 1), at(c, 0, p + 1)], "front", shared(c, 0));
  if (!named) return svg;
  label(svg, CHANNELS * W / 2, PLACES * H + 13, "channels", "middle");
  label(svg, CHANNELS * W + IMAGES * DX / 2 + 5, PLACES * H - DY / 2 + 8, "images", "start");
  const places = label(svg, -6, PLACES * H / 2, "places", "middle");
  places.setAttribute("transform", `rotate(-90 -6 ${PLACES * H / 2})`);
  return svg;
}

function label(svg, x, y, text, anchor) {
  const element = make("text", { x, y, "text-anchor": anchor });
  element.textContent = text; svg.append(element);
  return element;
}

function make(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
