// A photo under what the network says about it. The browser has the network's probabilities, so the
// threshold and the comparison follow the finger without asking anybody; Python hears of a new
// threshold when the finger rests, for the numbers and the downloads.
const VIOLET = [143, 140, 242], AMBER = [232, 150, 62], REST = 200;
const RAMP = [[0, 22, 22, 29], [0.35, 72, 68, 170], [0.7, 143, 140, 242], [1, 246, 245, 255]];
const VIEWS = {
  overlay: ["Overlay", (t) => `Violet: at least ${t} % sure that it is car. Drag the handle to compare with the photo.`],
  outline: ["Outline", (t) => `The line where the network is ${t} % sure.`],
  probability: ["Probability", () => "Dark: surely no car; violet: possibly; white: surely car."],
  uncertain: ["Uncertain", (t, [low, high]) => `Amber: neither a clear yes nor a clear no, between ${100 * low} % and ${100 * high} % sure.`],
};

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".stage");
  root.send = (value) => setStateValue("threshold", value);
  if (!root.update) start(root);
  root.update(data || {});
  return () => root.stop?.();
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const canvas = find("canvas"), context = canvas.getContext("2d");
  const compare = find(".compare"), slider = find("#threshold"), reset = find(".reset");
  const mask = document.createElement("canvas"), layer = document.createElement("canvas");
  let token, photo = null, values = null, view = "overlay", usual, unclear, resting;

  const buttons = Object.entries(VIEWS).map(([name, [title]]) => {
    const button = find(".views").appendChild(document.createElement("button"));
    button.type = "button"; button.role = "radio"; button.dataset.view = name; button.textContent = title;
    button.onclick = () => { view = name; paint(); };
    return button;
  });
  find(".views").onkeydown = (event) => {             // arrow keys, as in any radio group
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const names = Object.keys(VIEWS), next = (names.indexOf(view) + step + names.length) % names.length;
    buttons[next].click(); buttons[next].focus();
    event.preventDefault();
  };

  // Fill a canvas of the photo's size pixel by pixel: colour(v) gives [r, g, b, alpha] for v = 0 … 255.
  function fill(target, colour) {
    const table = new Uint32Array(new Uint8ClampedArray(Array.from({ length: 256 }, (_, v) => colour(v)).flat()).buffer);
    target.width = canvas.width; target.height = canvas.height;
    const on = target.getContext("2d"), image = on.createImageData(target.width, target.height);
    const pixels = new Uint32Array(image.data.buffer);  // a pixel a step: a few milliseconds for all
    for (let i = 0; i < values.length; i++) pixels[i] = table[values[i]];
    on.putImageData(image, 0, 0);
    return on;
  }

  // The mask, stamped around itself and then taken away, leaves its outline.
  function outline(threshold) {
    fill(mask, (v) => [...VIOLET, v >= threshold ? 255 : 0]);
    layer.width = canvas.width; layer.height = canvas.height;
    const on = layer.getContext("2d");
    const radius = Math.max(1, 2.25 * canvas.width / (canvas.clientWidth || canvas.width));
    for (let i = 0; i < 16; i++)
      on.drawImage(mask, radius * Math.cos(i * Math.PI / 8), radius * Math.sin(i * Math.PI / 8));
    on.globalCompositeOperation = "destination-out";
    on.drawImage(mask, 0, 0);
    context.drawImage(layer, 0, 0);
  }

  function show(threshold) {
    context.drawImage(photo, 0, 0, canvas.width, canvas.height);
    if (view === "overlay") {
      fill(layer, (v) => v >= threshold ? [...VIOLET, 140] : [0, 0, 0, 70]);
      context.drawImage(layer, 0, 0);
    }
    if (view === "overlay" || view === "outline") outline(threshold);
    if (view === "probability") { fill(layer, (v) => [...ramp(v / 255), 255]); context.drawImage(layer, 0, 0); }
    if (view === "uncertain") {
      context.fillStyle = "rgb(15 15 20 / 62%)"; context.fillRect(0, 0, canvas.width, canvas.height);
      fill(layer, (v) => {
        const p = v / 255, uncertain = p > unclear[0] && p < unclear[1];
        return [...AMBER, uncertain ? 130 + 125 * (1 - Math.abs(2 * p - 1)) : 0];
      });
      context.drawImage(layer, 0, 0);
    }
  }

  function paint() {
    const percent = Number(slider.value), share = compare.value / 100;
    find("output").textContent = `${percent} %`;
    find(".legend").textContent = VIEWS[view][1](percent, unclear);
    reset.disabled = percent === usual;
    reset.title = `Back to ${usual} %, chosen on validation images`;
    for (const button of buttons) {
      button.setAttribute("aria-checked", button.dataset.view === view);
      button.tabIndex = button.dataset.view === view ? 0 : -1;
    }
    find(".sheet").style.setProperty("--x", `${compare.value}%`);
    find(".line").hidden = share === 0 || share === 1;
    if (!photo || !values) return;
    show(255 * percent / 100);
    const cut = Math.round(canvas.width * share);
    if (cut) context.drawImage(photo, 0, 0, cut * photo.width / canvas.width, photo.height, 0, 0, cut, canvas.height);
  }

  function rest() {                                       // tell Python once the finger rests
    clearTimeout(resting);
    resting = setTimeout(() => root.send({ token, percent: Number(slider.value) }), REST);
  }
  compare.oninput = paint;
  slider.oninput = () => { paint(); clearTimeout(resting); };
  slider.onchange = rest;
  reset.onclick = () => { slider.value = usual; paint(); rest(); };

  async function load(data) {
    const [image, map] = await Promise.all([decode(data.photo), decode(data.probabilities)]);
    if (token !== data.token) return;                     // a newer image has come meanwhile
    canvas.width = mask.width = map.width; canvas.height = mask.height = map.height;
    const on = mask.getContext("2d", { willReadFrequently: true });
    on.drawImage(map, 0, 0);
    const { data: pixels } = on.getImageData(0, 0, map.width, map.height);
    values = Uint8Array.from({ length: pixels.length / 4 }, (_, i) => pixels[4 * i]);
    photo = image;
    paint();
    root.dataset.shown = token;
  }

  const resized = new ResizeObserver(() => paint());
  resized.observe(root);
  root.stop = () => { clearTimeout(resting); resized.disconnect(); root.update = null; find(".views").replaceChildren(); };

  root.update = (data) => {
    if (data.token === token) return;
    token = data.token; usual = data.usual; unclear = data.uncertain;
    slider.value = data.threshold; compare.value = 0; canvas.setAttribute("aria-label", data.description);
    clearTimeout(resting);
    load(data);
  };
}

function decode(address) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = reject;
    image.src = address;
  });
}

function ramp(p) {
  const i = Math.max(1, RAMP.findIndex(([stop]) => p <= stop)), [low, high] = [RAMP[i - 1], RAMP[i]];
  const share = (p - low[0]) / (high[0] - low[0]);
  return [1, 2, 3].map((k) => Math.round(low[k] + share * (high[k] - low[k])));
}
