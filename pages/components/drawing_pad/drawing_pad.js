// A square to draw on, with mouse, finger, pen or keyboard. The drawing is kept as strokes, lists of
// points in a 1000 x 1000 square, so that it can be undone, redrawn at any size and theme, and put
// back after a page change. Undo goes back over everything: a stroke, "clear", and an image that a
// stroke has replaced; Python is told when it is the image again. After every stroke Python gets the strokes and a 140 x 140 PNG of them,
// light on dark, which is the same on every screen.
const SIDE = 1000, SENT = 140, PEN = 78, STEP = 25, MAX_STROKES = 60, MAX_POINTS = 4000;

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".pad");
  root.send = (value) => setStateValue("drawing", value);
  if (!root.update) start(root);
  root.update(data || {});
  const deaf = heardFirst(root, "cnn-lytical-answer", ({ picture }) => picture && root.put(picture.image, true));
  return () => { deaf(); root.stop?.(); };
}

function start(root) {
  const canvas = root.querySelector("canvas");
  const undo = root.querySelector("[data-do=undo]"), clear = root.querySelector("[data-do=clear]");
  const context = canvas.getContext("2d");
  let strokes = [], current = null, shown = null, token, cursor = null, past = [];

  function trace(target, stroke, width, ink) {
    target.strokeStyle = target.fillStyle = ink;
    target.lineWidth = width; target.lineCap = target.lineJoin = "round";
    target.beginPath();
    target.moveTo(stroke[0], stroke[1]);
    // Curves through the middle of each pair of points: smooth, however few points arrive.
    for (let i = 2; i + 3 < stroke.length; i += 2)
      target.quadraticCurveTo(stroke[i], stroke[i + 1],
        (stroke[i] + stroke[i + 2]) / 2, (stroke[i + 1] + stroke[i + 3]) / 2);
    target.lineTo(stroke.at(-2), stroke.at(-1) + 0.01);   // the 0.01 makes a dot of a click
    target.stroke();
  }

  function paint() {
    const pixels = Math.round(canvas.clientWidth * devicePixelRatio) || SENT;
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
    const style = getComputedStyle(root), scale = pixels / SIDE;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, pixels, pixels);
    if (shown) show(shown, pixels, style.color);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    for (const stroke of current ? [...strokes, current] : strokes) trace(context, stroke, PEN, style.color);
    if (cursor && root.activeElementIsPad()) mark(style);
    root.toggleAttribute("data-empty", !strokes.length && !current && !shown);
    root.toggleAttribute("data-image", !!shown);
    undo.disabled = !past.length;
    clear.disabled = !strokes.length && !shown;
  }

  // A digit (light on dark) becomes ink in the theme's colour; a photo stays a photo.
  function show({ image, ink }, pixels, colour) {
    const scale = Math.min(pixels / image.width, pixels / image.height);
    const w = image.width * scale, h = image.height * scale;
    context.imageSmoothingQuality = "high";
    if (!ink) return context.drawImage(image, (pixels - w) / 2, (pixels - h) / 2, w, h);
    const layer = new OffscreenCanvas(image.width, image.height), on = layer.getContext("2d");
    on.drawImage(image, 0, 0);
    const values = on.getImageData(0, 0, layer.width, layer.height);
    for (let i = 0; i < values.data.length; i += 4) values.data[i + 3] = values.data[i];
    on.putImageData(values, 0, 0);
    on.globalCompositeOperation = "source-in";
    on.fillStyle = colour;
    on.fillRect(0, 0, layer.width, layer.height);
    context.drawImage(layer, (pixels - w) / 2, (pixels - h) / 2, w, h);
  }

  function mark(style) {                                  // where the keyboard's pen is
    context.strokeStyle = style.getPropertyValue("--st-primary-color");
    context.lineWidth = current ? 12 : 5;
    context.beginPath(); context.arc(cursor.x, cursor.y, PEN / 2 + 8, 0, 7); context.stroke();
  }

  const sheet = document.createElement("canvas");
  sheet.width = sheet.height = SENT;
  const on = sheet.getContext("2d", { willReadFrequently: true });   // kept where PNGs are made fast
  on.scale(SENT / SIDE, SENT / SIDE);
  function png() {
    on.fillStyle = "#000"; on.fillRect(0, 0, SIDE, SIDE);
    for (const stroke of strokes) trace(on, stroke, PEN, "#fff");
    return sheet.toDataURL("image/png");
  }

  let address, latest, unsent = null;
  function commit() {
    // The time: what is drawn twice alike, with another image in between, is news the second time.
    const drawing = latest = unsent = { strokes, png: png(), image: !!shown, at: Date.now() };
    askFirst({
      request: () => address && !shown && strokes.length ? post(drawing.png) : null,
      event: "cnn-lytical-answer",
      current: () => latest === drawing,                  // and still what is on the pad
      then: () => { if (unsent === drawing) flush(); },
    });
  }
  function post(url) {
    const body = Uint8Array.from(atob(url.split(",")[1]), (c) => c.charCodeAt(0));
    return fetch(address, { method: "POST", body });
  }
  function flush() {
    if (unsent) root.send(unsent);
    unsent = null;
  }

  const remember = () => { past = [...past.slice(-MAX_STROKES), { strokes, shown }]; };
  const clamp = (v) => Math.max(0, Math.min(SIDE, Math.round(v)));

  function begin(x, y) {
    if (strokes.length >= MAX_STROKES) return;
    remember();
    shown = null;                                       // a new drawing replaces the image
    current = [clamp(x), clamp(y)];
    paint();
  }
  function extend(x, y) {
    if (!current || current.length >= MAX_POINTS) return;
    current.push(clamp(x), clamp(y));
  }
  function end() {
    if (!current) return;
    strokes = [...strokes, current]; current = null;
    commit();
    setTimeout(paint);                                    // the message leaves before the next frame
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * SIDE, (event.clientY - box.top) / box.height * SIDE];
  };
  canvas.onpointerdown = (event) => {
    if (event.button || current) return;
    canvas.setPointerCapture(event.pointerId);
    cursor = null; begin(...at(event));
  };
  canvas.onpointermove = (event) => {
    if (!current || !canvas.hasPointerCapture(event.pointerId)) return;
    for (const e of event.getCoalescedEvents?.() ?? [event]) extend(...at(e));
    paint();
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) end();
  };

  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.onkeydown = (event) => {
    const move = moves[event.key];
    if (move) {
      cursor ??= { x: SIDE / 2, y: SIDE / 2 };
      const step = event.shiftKey ? 2 * STEP : STEP;
      cursor.x = clamp(cursor.x + move[0] * step); cursor.y = clamp(cursor.y + move[1] * step);
      extend(cursor.x, cursor.y);
    } else if (event.key === " ") {
      cursor ??= { x: SIDE / 2, y: SIDE / 2 };
      if (current) end(); else begin(cursor.x, cursor.y);
    } else if (event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey))) undo.click();
    else if (event.key === "Delete") clear.click();
    else return;
    event.preventDefault(); paint();
  };
  canvas.onfocus = paint;
  canvas.onblur = () => { end(); paint(); };              // never leave a pen hanging
  undo.onclick = () => { if (past.length) { current = null; ({ strokes, shown } = past.pop()); paint(); commit(); } };
  clear.onclick = () => { end(); remember(); strokes = []; shown = null; paint(); commit(); };

  root.activeElementIsPad = () => root.getRootNode().activeElement === canvas;
  const watchSize = new ResizeObserver(paint);
  watchSize.observe(canvas);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const repaint = () => setTimeout(paint, 50);            // after the theme's colours have arrived
  dark.addEventListener("change", repaint);
  root.stop = () => { flush(); watchSize.disconnect(); dark.removeEventListener("change", repaint); root.update = null; };

  root.update = (data) => {
    address = data.ask;
    if (data.token !== token) {                           // Python put something on the pad
      token = data.token;
      root.put(data.image, data.ink, data.strokes);
    }
    paint();
  };
  root.put = (source, ink, drawn = null) => {
    latest = unsent = null;
    strokes = drawn ?? []; current = null;
    past = strokes.map((_, i) => ({ strokes: strokes.slice(0, i), shown: null }));
    if (!source || strokes.length) { shown = null; return; }
    const image = new Image(), put = strokes;
    image.onload = () => { if (strokes === put && !current) { shown = { image, ink }; paint(); } };
    image.src = source;                                   // what was there stays until it has come
  };
}
