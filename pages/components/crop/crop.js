// A photo with a square on it that can be moved and resized, by mouse, finger or keyboard. Python
// gets where the square lies: x and y from 0 to 1 in the room that is left to it, and its side as a
// share of the photo's shorter side.
const SMALL = 128, STEP = 0.04, PAUSE = 200;

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".crop");
  root.send = (value) => setStateValue("square", value);
  if (!root.update) start(root);
  root.update(data || {});
  const deaf = heardFirst(root, "cnn-lytical-answer", ({ picture }) => picture && root.put(picture));
  return () => { deaf(); root.stop?.(); };
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const sheet = find(".sheet"), image = find("img"), square = find(".square"), slider = find("input");
  let token, place = { x: 0.5, y: 0.5, side: 1 }, grip = null, timer = 0, sent = 0;

  // Width, height and side in units of the photo's shorter side, and the room left to the square.
  const shape = () => {
    const shorter = Math.min(image.naturalWidth, image.naturalHeight) || 1;
    const width = (image.naturalWidth || 1) / shorter, height = (image.naturalHeight || 1) / shorter;
    return { width, height, across: width - place.side, down: height - place.side };
  };
  const clamp = (value) => Math.max(0, Math.min(1, value));

  function paint() {
    const { width, height, across, down } = shape();
    square.style.left = `${100 * place.x * across / width}%`;
    square.style.top = `${100 * place.y * down / height}%`;
    square.style.width = `${100 * place.side / width}%`;
    square.style.height = `${100 * place.side / height}%`;
    slider.value = Math.round(100 * place.side);
    // A finger scrolls the page where it has nothing to move.
    sheet.style.touchAction = down > 1e-6 ? (across > 1e-6 ? "none" : "pan-x") : across > 1e-6 ? "pan-y" : "manipulation";
    find("output").textContent = `${slider.value} %`;
  }

  // Tell Python at most every 200 ms, and always where the square came to rest.
  function tell(now) {
    clearTimeout(timer);
    const value = { token, x: place.x, y: place.y, side: place.side };
    const wait = now ? 0 : Math.max(0, sent + PAUSE - performance.now());
    timer = setTimeout(() => { sent = performance.now(); root.send(value); }, wait);
  }

  // Put the square's middle at a point given in units of the shorter side.
  function centre(x, y) {
    const { across, down } = shape();
    place.x = across > 1e-6 ? clamp((x - place.side / 2) / across) : 0.5;
    place.y = down > 1e-6 ? clamp((y - place.side / 2) / down) : 0.5;
    paint();
  }
  function middle() {
    const { across, down } = shape();
    return { x: place.x * across + place.side / 2, y: place.y * down + place.side / 2 };
  }
  function resize(side) {
    const at = middle();                                  // its middle stays where it is
    place.side = Math.max(0.2, Math.min(1, side));
    centre(at.x, at.y);
  }

  function at(event) {
    const box = sheet.getBoundingClientRect(), { width, height } = shape();
    return { x: (event.clientX - box.left) / box.width * width, y: (event.clientY - box.top) / box.height * height };
  }
  sheet.onpointerdown = (event) => {
    if (event.button || grip || root.hasAttribute("data-empty")) return;
    sheet.setPointerCapture(event.pointerId);
    const point = at(event), now = middle();
    const inside = Math.max(Math.abs(point.x - now.x), Math.abs(point.y - now.y)) <= place.side / 2;
    grip = inside ? { x: point.x - now.x, y: point.y - now.y } : { x: 0, y: 0 };
    if (!inside) { centre(point.x, point.y); tell(); }
    square.focus({ preventScroll: true });
    event.preventDefault();
  };
  sheet.onpointermove = (event) => {
    if (!grip) return;
    const point = at(event);
    centre(point.x - grip.x, point.y - grip.y);
    tell();
  };
  sheet.onpointerup = sheet.onpointercancel = () => { if (grip) { grip = null; tell(true); } };

  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  square.onkeydown = (event) => {
    const move = moves[event.key], step = event.shiftKey ? 4 * STEP : STEP;
    if (move) { const now = middle(); centre(now.x + move[0] * step, now.y + move[1] * step); }
    else if (event.key === "+" || event.key === "=") resize(place.side + STEP);
    else if (event.key === "-") resize(place.side - STEP);
    else return;
    event.preventDefault(); tell();
  };
  slider.oninput = () => { resize(slider.value / 100); tell(); };
  slider.onchange = () => tell(true);
  image.onload = () => {
    image.classList.toggle("small", Math.max(image.naturalWidth, image.naturalHeight) <= SMALL);
    sheet.style.setProperty("--shape", image.naturalWidth / image.naturalHeight);
    paint();
  };

  root.stop = () => { clearTimeout(timer); root.update = null; };
  root.update = (data) => {
    root.toggleAttribute("data-empty", !data.image);
    if (data.token === token) return;                     // the square belongs to the visitor
    token = data.token;
    root.put(data, data);
  };
  root.put = ({ image: address, description }, { x, y, side } = { x: 0.5, y: 0.5, side: 1 }) => {
    grip = null; clearTimeout(timer);
    place = { x, y, side };
    image.alt = description || "";
    if (!address) image.removeAttribute("src");
    else if (image.getAttribute("src") !== address) image.src = address;
    paint();
  };
}
