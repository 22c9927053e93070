// An image that is a grid of cells, one of which is chosen: by a click, or with the arrow keys.
// Python gets the cell's number, counted row by row. The choice shows at once; what Python draws
// for it follows. Keys that follow each other quickly are sent as one.
const PAUSE = 160;

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".cells");
  root.send = (cell) => setTriggerValue("picked", cell);
  if (!root.update) start(root);
  root.update(data);
  if (data.hears) return heardFirst(root, "cnn-lytical-maps", (sheet) => root.update(sheet));
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const sheet = find(".sheet"), image = find("img"), hover = find(".hover"), chosen = find(".chosen");
  const caption = find(".caption");
  let data = null, at = 0, timer = 0;

  function place(mark, cell) {
    mark.hidden = cell === null;
    if (cell === null) return;
    const row = Math.floor(cell / data.columns), column = cell % data.columns;
    // Cells are one gap apart; the last of a row has none behind it.
    const gap = data.gap, w = (1 + gap) / (data.columns * (1 + gap) - gap), h = (1 + gap * data.aspect) / (data.rows * (1 + gap * data.aspect) - gap * data.aspect);
    mark.style.left = `${100 * column * w}%`; mark.style.top = `${100 * row * h}%`;
    mark.style.width = `${100 * w / (1 + gap)}%`; mark.style.height = `${100 * h / (1 + gap * data.aspect)}%`;
  }

  const describe = (cell) => data.labels ? data.labels[cell] : `row ${Math.floor(cell / data.columns)}, column ${cell % data.columns}`;

  function cellAt(event) {
    const box = sheet.getBoundingClientRect();
    const column = Math.min(data.columns - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * data.columns)));
    const row = Math.min(data.rows - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * data.rows)));
    const cell = row * data.columns + column;
    return cell < data.count ? cell : null;
  }

  function choose(cell, pause = 0) {
    at = cell;
    place(chosen, cell);
    caption.textContent = data.caption ? `${describe(cell)}` : "";
    clearTimeout(timer);
    timer = setTimeout(() => root.send(cell), pause);
  }

  sheet.onpointermove = (event) => {
    if (event.pointerType === "touch") return;
    const cell = cellAt(event);
    place(hover, cell);
    sheet.title = cell === null ? "" : describe(cell);
  };
  sheet.onpointerleave = () => place(hover, null);
  sheet.onclick = (event) => {
    const cell = cellAt(event);
    if (cell !== null) choose(cell);
  };
  sheet.onkeydown = (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -data.columns, ArrowDown: data.columns, Home: -at, End: data.count - 1 - at };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const next = at + steps[event.key];
    if (next >= 0 && next < data.count) choose(next, PAUSE);
  };

  root.update = (fresh) => {
    data = fresh;
    root.style.setProperty("--widest", data.widest || "none");
    if (image.getAttribute("src") !== data.image) image.src = data.image;
    at = Math.min(data.chosen ?? 0, data.count - 1);
    place(chosen, data.chosen ?? null);
    place(hover, null);
    sheet.setAttribute("aria-label", `${data.title} Arrow keys choose; now ${describe(at)}.`);
    caption.textContent = data.caption ? describe(at) : "";
    root.dataset.token = data.token;
  };
}
