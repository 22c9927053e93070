// A photo under what the network says about it. The browser has the network's probabilities, so the
// threshold, the cut-out, the comparison and the visitor's own changes follow the finger without
// asking anybody; Python hears of them when the finger rests, for the numbers and the downloads.
const VIOLET = [143, 140, 242], AMBER = [232, 150, 62], REST = 200;
const RAMP = [[0, 22, 22, 29], [0.35, 72, 68, 170], [0.7, 143, 140, 242], [1, 246, 245, 255]];
const SOFTNESS = 0.4;                                     // as zoo/segmentation/cutouts.py has it
const VIEWS = {
  overlay: ["Overlay", (t, _, label) => `Violet: at least ${t} % sure that it is ${label}. Drag the handle to compare with the photo.`],
  cutout: ["Cut-out", (t) => `What you download: opaque from a little above ${t} % on, soft at the edge.`],
  outline: ["Outline", (t) => `The line where the network is ${t} % sure.`],
  probability: ["Probability", (t, _, label) => `Dark: surely no ${label}; violet: possibly; white: surely ${label}. The line is at ${t} %.`],
  uncertain: ["Uncertain", (t, [low, high]) => `Amber: neither a clear yes nor a clear no, between ${100 * low} % and ${100 * high} % sure. The line is at ${t} %.`],
};

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".stage");
  root.send = (value) => setStateValue("chosen", value);
  if (!root.update) start(root);
  root.update(data || {});
  return () => root.stop?.();
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const canvas = find("canvas"), context = canvas.getContext("2d"), frame = find(".frame");
  const compare = find(".compare"), slider = find("#threshold"), reset = find(".reset");
  const [mask, layer, solid, alpha, edited] = Array.from({ length: 5 }, () => document.createElement("canvas"));
  const map = edited.getContext("2d", { willReadFrequently: true });
  let token, photo = null, answer = null, values = null, view = "overlay", usual, unclear, label, resting;
  let background = null, backdrop = null, trim = false, asked = 0;

  const buttons = choices(find(".views"), VIEWS, "view", (name) => { view = name; paint(); rest(); });
  const tools = editor(root, { draft: (edit) => { read(edit); soon(); }, changed: () => { read(null); paint(); rest(); } });

  // The probabilities, 0 … 255, as the visitor has changed them; and as the one being made will.
  function read(draft) {
    if (!answer) return;
    map.drawImage(answer, 0, 0);
    for (const edit of inForce(tools?.edits ?? [])) drawEdit(map, edit);
    if (draft && draft.kind !== "box") drawEdit(map, draft);
    const { data: pixels } = map.getImageData(0, 0, edited.width, edited.height);
    values = Uint8Array.from({ length: pixels.length / 4 }, (_, i) => pixels[4 * i]);
  }

  // Fill a canvas of the photo's size pixel by pixel: colour(v) gives [r, g, b, alpha] for v = 0 … 255.
  // Pixels that are not `kept`, a 0 or 1 each, stay transparent.
  function fill(target, colour, kept = null) {
    const table = new Uint32Array(new Uint8ClampedArray(Array.from({ length: 256 }, (_, v) => colour(v)).flat()).buffer);
    target.width = canvas.width; target.height = canvas.height;
    const on = target.getContext("2d"), image = on.createImageData(target.width, target.height);
    const pixels = new Uint32Array(image.data.buffer);  // a pixel a step: a few milliseconds for all
    for (let i = 0; i < values.length; i++) if (!kept || kept[i]) pixels[i] = table[values[i]];
    on.putImageData(image, 0, 0);
    return on;
  }

  // The mask, stamped around itself and then taken away, leaves its outline.
  function outline(threshold, colour = VIOLET) {
    fill(mask, (v) => [...colour, v >= threshold ? 255 : 0]);
    layer.width = canvas.width; layer.height = canvas.height;
    const on = layer.getContext("2d");
    const radius = Math.max(1, 2.25 * canvas.width / (canvas.clientWidth || canvas.width));
    for (let i = 0; i < 16; i++)
      on.drawImage(mask, radius * Math.cos(i * Math.PI / 8), radius * Math.sin(i * Math.PI / 8));
    on.globalCompositeOperation = "destination-out";
    on.drawImage(mask, 0, 0);
    context.drawImage(layer, 0, 0);
  }

  // The car without its background. Its half-transparent edge would shine in the old background's
  // colour, so the opaque pixels' colour is spread over the edge first.
  function cutOut(threshold) {
    const t = threshold / 255, span = Math.min(SOFTNESS, 2 * t, 2 * (1 - t));
    const opacity = (v) => span < 1e-3 ? 255 * (v >= threshold) : 255 * Math.min(1, Math.max(0, (v / 255 - t) / span + 0.5));
    const whole = withoutGhosts(opacity);
    fill(alpha, (v) => [0, 0, 0, opacity(v)], whole);
    const pen = fill(solid, (v) => [0, 0, 0, opacity(v) === 255 ? 255 : 0]);
    pen.globalCompositeOperation = "source-in";
    pen.drawImage(photo, 0, 0, canvas.width, canvas.height);
    layer.width = canvas.width; layer.height = canvas.height;
    const on = layer.getContext("2d");
    on.drawImage(solid, 0, 0);
    on.globalCompositeOperation = "destination-over";
    for (const radius of [2, 4])
      for (let i = 0; i < 8; i++) on.drawImage(solid, Math.round(radius * Math.cos(i * Math.PI / 4)), Math.round(radius * Math.sin(i * Math.PI / 4)));
    on.drawImage(photo, 0, 0, canvas.width, canvas.height);
    on.globalCompositeOperation = "destination-in";
    on.drawImage(alpha, 0, 0);
    const kept = trim ? bounds(whole) : [0, 0, canvas.width, canvas.height];
    behind(kept);
    context.drawImage(layer, 0, 0);
    if (trim) scissors(kept);
  }

  // What is opaque, and the soft pixels that are its edge, 1 each: as the download has it, a soft one
  // that is connected with nothing above the threshold is 0.
  function withoutGhosts(opacity) {
    const table = Uint8Array.from({ length: 256 }, (_, v) => opacity(v) >= 127.5 ? 1 : opacity(v) >= 0.5 ? 2 : 0);
    const { width } = canvas, kept = Uint8Array.from(values, (v) => table[v]), edge = [];
    const around = (i, found) => {
      const x = i % width, from = x ? -1 : 0, to = x < width - 1 ? 1 : 0;
      for (let row = i - width; row <= i + width; row += width)
        for (let j = row + from; j <= row + to; j++) if (found(j)) return true;
      return false;
    };
    for (let i = 0; i < kept.length; i++) if (kept[i] === 2 && around(i, (j) => kept[j] === 1)) edge.push(i);
    for (const i of edge) kept[i] = 1;
    while (edge.length) around(edge.pop(), (j) => { if (kept[j] === 2) { kept[j] = 1; edge.push(j); } });
    return kept.map((v) => v === 1 ? 1 : 0);
  }

  function behind([x, y, w, h]) {
    const { width, height } = canvas;
    if (backdrop) {                                       // scaled and cropped to fit, as the download is
      const scale = Math.max(w / backdrop.width, h / backdrop.height);
      const [across, down] = [w / scale, h / scale];
      context.drawImage(backdrop, (backdrop.width - across) / 2, (backdrop.height - down) / 2, across, down, x, y, w, h);
    } else if (background?.colour) { context.fillStyle = background.colour; context.fillRect(0, 0, width, height); }
    else {
      const side = Math.max(6, Math.round(Math.max(width, height) / 64));
      for (let y = 0; y < height; y += side)
        for (let x = 0; x < width; x += side) { context.fillStyle = (x + y) / side % 2 ? "#dedede" : "#f0f0f0"; context.fillRect(x, y, side, side); }
    }
  }

  // The rectangle around the car, with the room that the download leaves: [x, y, width, height].
  function bounds(kept) {
    const { width, height } = canvas;
    let left = width, top = height, right = -1, bottom = -1;
    for (let y = 0, i = 0; y < height; y++)
      for (let x = 0; x < width; x++, i++)
        if (kept[i]) { left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = y; }
    if (right < 0) return [0, 0, width, height];
    const room = Math.round(0.02 * Math.max(right - left + 1, bottom - top + 1));
    left = Math.max(0, left - room); top = Math.max(0, top - room);
    return [left, top, Math.min(width, right + 1 + room) - left, Math.min(height, bottom + 1 + room) - top];
  }

  function scissors([x, y, width, height]) {
    const outside = new Path2D(), unit = canvas.width / (canvas.clientWidth || canvas.width);
    outside.rect(0, 0, canvas.width, canvas.height); outside.rect(x, y, width, height);
    context.fillStyle = "rgb(22 22 29 / 82%)"; context.fill(outside, "evenodd");
    context.setLineDash([6 * unit, 5 * unit]); context.lineWidth = 1.5 * unit; context.strokeStyle = "#fff";
    context.strokeRect(x, y, width, height);
  }

  function show(threshold) {
    context.drawImage(photo, 0, 0, canvas.width, canvas.height);
    if (view === "cutout") return cutOut(threshold);
    if (view === "overlay") {
      fill(layer, (v) => v >= threshold ? [...VIOLET, 140] : [0, 0, 0, 70]);
      context.drawImage(layer, 0, 0);
    }
    if (view === "probability") { fill(layer, (v) => [...ramp(v / 255), 255]); context.drawImage(layer, 0, 0); }
    if (view === "uncertain") {
      context.fillStyle = "rgb(15 15 20 / 62%)"; context.fillRect(0, 0, canvas.width, canvas.height);
      fill(layer, (v) => {
        const p = v / 255, uncertain = p > unclear[0] && p < unclear[1];
        return [...AMBER, uncertain ? 130 + 125 * (1 - Math.abs(2 * p - 1)) : 0];
      });
      context.drawImage(layer, 0, 0);
    }
    outline(threshold, view === "probability" ? [255, 214, 150] : VIOLET);
  }

  function paint() {
    asked = 0;
    const percent = Number(slider.value), share = compare.value / 100;
    find("output").textContent = `${percent} %`;
    find(".legend").textContent = tools.hint || VIEWS[view][1](percent, unclear, label);
    reset.disabled = percent === usual;
    reset.title = `Back to ${usual} %, chosen on validation images`;
    mark(buttons, "view", view);
    find(".sheet").style.setProperty("--x", `${compare.value}%`);
    find(".line").hidden = share === 0 || share === 1;
    if (!photo || !values) return;
    show(255 * percent / 100);
    const cut = Math.round(canvas.width * share);
    if (cut && root.dataset.tool === "compare") context.drawImage(photo, 0, 0, cut * photo.width / canvas.width, photo.height, 0, 0, cut, canvas.height);
  }
  function soon() { if (!asked) asked = requestAnimationFrame(paint); }

  function rest() {                                       // tell Python once the finger rests
    clearTimeout(resting);
    resting = setTimeout(() => root.send({ token, percent: Number(slider.value), view, edits: tools.edits }), REST);
  }
  compare.oninput = paint;
  slider.oninput = () => { paint(); clearTimeout(resting); };
  slider.onchange = rest;
  reset.onclick = () => { slider.value = usual; paint(); rest(); };

  async function load(data) {
    const [image, found] = await Promise.all([decode(data.photo), decode(data.probabilities)]);
    if (token !== data.token) return;                     // a newer image has come meanwhile
    for (const one of [canvas, mask, edited]) { one.width = found.width; one.height = found.height; }
    photo = image; answer = found;
    read(null);
    fit();
    paint();
    root.dataset.shown = token;
  }

  // As large as the frame allows.
  function fit() {
    const shape = canvas.width / canvas.height, room = frame.clientWidth / (frame.clientHeight || 1), sheet = find(".sheet");
    sheet.style.setProperty("--width", shape >= room ? "100%" : `${frame.clientHeight * shape}px`);
    sheet.style.setProperty("--height", shape >= room ? `${frame.clientWidth / shape}px` : "100%");
  }

  async function lay(fresh) {                             // another background behind the car
    const changed = JSON.stringify(fresh) !== JSON.stringify(background);
    background = fresh;
    if (!changed) return;
    backdrop = fresh?.image ? await decode(fresh.image) : null;
    if (background === fresh) paint();
  }

  const resized = new ResizeObserver(() => { fit(); tools.draw(); paint(); });
  resized.observe(root);
  root.stop = () => { clearTimeout(resting); cancelAnimationFrame(asked); resized.disconnect(); root.update = null; };

  root.update = (data) => {
    const settings = JSON.stringify([data.background, data.trim]);
    if (data.token === token && root.settings !== undefined && root.settings !== settings) view = "cutout";
    root.settings = settings; trim = data.trim;
    lay(data.background);
    if (data.token === token) return paint();
    token = data.token; usual = data.usual; unclear = data.uncertain; label = data.label; view = data.view in VIEWS ? data.view : "overlay";
    frame.toggleAttribute("data-tall", data.tall);
    slider.value = data.threshold; compare.value = 0; canvas.setAttribute("aria-label", data.description);
    clearTimeout(resting);
    tools.reset(data.edits);
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
