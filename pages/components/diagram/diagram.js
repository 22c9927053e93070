// A network as boxes, as high as their maps and as wide as they have channels (both on a logarithmic
// scale), fitted to the width there is: a row, or a U where the maps shrink and grow again. Below it
// the layers of the chosen block.
const LEAST = 8, NOTE = 16, LABEL = 18, ENTRY = 64;

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".diagram"), net = root.querySelector(".net");
  root.send = (name) => {
    root.latest = name;
    mark(root, net, { ...root.fresh, chosen: name });     // at once; what belongs to it follows
    askFirst({
      request: () => data.ask ? fetch(`${data.ask}&layer=${encodeURIComponent(name)}`) : null,
      event: "cnn-lytical-maps",
      current: () => root.latest === name,
      then: () => setTriggerValue("picked", name),
    });
  };
  root.fresh = data;
  root.latest = data.chosen;
  const made = JSON.stringify(data.blocks);
  if (root.dataset.made !== made) { root.dataset.made = made; draw(root, net, data); }
  const entry = net.querySelector("img");
  if (entry.src !== data.image) entry.src = data.image;
  mark(root, net, data);
  if (!root.resized) {
    let width = root.clientWidth;
    root.resized = new ResizeObserver(() => {
      if (root.clientWidth === width) return;
      width = root.clientWidth;
      draw(root, net, root.fresh); mark(root, net, root.fresh);
    });
    root.resized.observe(root);
  }
  return () => { root.resized?.disconnect(); root.resized = null; };
}

function mark(root, net, data) {
  const block = data.blocks.findIndex((b) => b.layers.some((l) => l.name === data.chosen));
  net.querySelectorAll(".block").forEach((button, i) => {
    button.setAttribute("aria-pressed", i === block);
    button.tabIndex = i === Math.max(block, 0) ? 0 : -1;   // one tab stop; the arrow keys go on
  });
  root.dataset.block = block;
  layers(root, data.blocks[block]?.layers ?? [], data.chosen);
}

function draw(root, net, data) {
  const width = root.clientWidth || 640, u = data.blocks[0]?.row !== undefined;
  const plan = u ? shapeOfU(data.blocks, width) : shapeOfRow(data.blocks, width);
  Object.assign(net.style, { width: `${plan.width}px`, height: `${plan.height}px` });
  Object.assign(net.querySelector("img").style, { left: `${plan.entry.x}px`, top: `${plan.entry.y}px`, width: `${plan.entry.side}px`, height: `${plan.entry.side * (u ? 0.67 : 1)}px` });
  const svg = net.querySelector("svg");
  svg.setAttribute("viewBox", `0 0 ${plan.width} ${plan.height}`);
  svg.replaceChildren(...plan.lines.map(([d, kind]) => {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d); path.setAttribute("class", kind);
    return path;
  }));
  net.querySelectorAll(".block, .note").forEach((element) => element.remove());
  data.blocks.forEach((block, i) => net.append(box(root, block, plan.spots[i])));
  for (const { x, y, text, kind } of plan.notes) {
    const note = net.appendChild(document.createElement("span"));
    note.className = `note ${kind}`; note.textContent = text;
    note.style.left = `${x}px`; note.style.top = `${y}px`;
  }
  net.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = [...net.querySelectorAll(".block")], next = all[all.indexOf(event.target) + step];
    if (!step || !next) return;
    next.focus(); event.preventDefault();
  };
}

function box(root, block, { x, y, w, h, slot }) {
  const button = document.createElement("button");
  button.type = "button"; button.className = "block"; button.title = `${block.title}: ${block.size}`;
  button.setAttribute("aria-label", button.title);
  Object.assign(button.style, { left: `${x - slot / 2}px`, width: `${slot}px`, top: `${y}px`, height: `${h + NOTE}px` });
  const shape = button.appendChild(document.createElement("span"));
  shape.className = "box"; shape.style.width = `${w}px`; shape.style.height = `${h}px`;
  button.appendChild(document.createElement("small")).textContent = block.note;
  button.onclick = () => root.send(block.main);
  return button;
}

// How large a block's box is: [width, height].
function sizes(blocks, slot, high) {
  const tall = (b) => b.shape.length > 1 ? b.shape[1] : 1;
  const tallest = Math.max(...blocks.map(tall), 2), most = Math.max(...blocks.map((b) => b.shape[0]), 2);
  return blocks.map((b) => [
    LEAST + (slot - LEAST - 6) * Math.log2(b.shape[0] + 1) / Math.log2(most + 1),
    14 + (high - 14) * Math.log2(tall(b)) / Math.log2(tallest),
  ]);
}

function shapeOfRow(blocks, whole) {
  const high = 120, arcs = blocks.some((b) => b.skips.length) ? 34 : 4, middle = arcs + high / 2;
  const gap = whole < 560 ? 10 : 28, slot = Math.min(104, (whole - ENTRY - gap) / blocks.length);
  const start = Math.max(0, (whole - ENTRY - gap - slot * blocks.length) / 2), boxes = sizes(blocks, Math.min(slot, 72), high);
  const spots = blocks.map((_, i) => {
    const [w, h] = boxes[i];
    return { x: start + ENTRY + gap + slot * (i + 0.5), y: middle - h / 2, w, h, slot };
  });
  const lines = spots.map((to, i) => [`M${i ? spots[i - 1].x + spots[i - 1].w / 2 : start + ENTRY} ${middle}H${to.x - to.w / 2}`, ""]);
  blocks.forEach((block, i) => block.skips.forEach((from) => {
    const a = spots[from], b = spots[i], lift = Math.max(2, Math.min(a.y, b.y) - 30);
    lines.push([`M${a.x} ${a.y}C${a.x} ${lift},${b.x} ${lift},${b.x} ${b.y}`, "skip"]);
  }));
  return { width: whole, height: arcs + high + NOTE + LABEL, spots, lines, notes: sideNotes(blocks, spots, arcs + high + NOTE), entry: { x: start, y: middle - ENTRY / 2, side: ENTRY } };
}

// The maps' size, once for each run of blocks that share it.
function sideNotes(blocks, spots, y) {
  const notes = [];
  for (let i = 0, from = 0; i < blocks.length; i++) {
    if (i + 1 < blocks.length && blocks[i + 1].side === blocks[from].side) continue;
    if (blocks[from].side) notes.push({ x: (spots[from].x + spots[i].x) / 2, y, text: blocks[from].side, kind: "side" });
    from = i + 1;
  }
  return notes;
}

// Blocks have a row and a place: left, bottom or right. Where there is room each row begins below the
// end of the one above; else the rows stand close, and the bottom takes the whole width.
function shapeOfU(blocks, whole) {
  const rows = Math.max(...blocks.map((b) => b.row)) + 1;
  const of = (place, row) => blocks.filter((b) => b.place === place && b.row === row).length;
  const bottom = of("bottom", rows - 1), first = Math.min(...blocks.filter((b) => b.place === "left").map((b) => b.row), rows - 1);
  const stairs = (place) => { let sum = 0; for (let r = 0; r < rows - 1; r++) sum += Math.max(0, of(place, r) - 1); return sum; };
  const across = stairs("left") + stairs("right") + bottom + 1, roomy = whole / across >= 34;
  const widest = Math.max(bottom, ...Array.from({ length: rows - 1 }, (_, r) => of("left", r) + of("right", r) + 2.5));
  const slot = Math.min(58, whole / (roomy ? across : widest)), high = 46, boxes = sizes(blocks, slot, high);
  const total = slot * (roomy ? across : widest), offset = (whole - total) / 2;
  const tops = [], heights = Array.from({ length: rows }, (_, r) => Math.max(...blocks.map((b, i) => b.row === r ? boxes[i][1] : 0)));
  for (let r = 0, y = 2; r < rows; r++) { tops.push(y); y += heights[r] + NOTE + (r === rows - 2 ? 16 : 12); }
  const start = (place, row) => {                          // of a row's blocks, in slots
    let inset = 0;
    for (let r = place === "left" ? first : 0; r < row; r++) inset += roomy ? Math.max(0, of(place, r) - 1) : 0.3;
    if (place === "left") return inset;
    return total / slot - inset - of(place, row);
  };
  const begin = roomy ? stairs("left") : (total / slot - bottom) / 2, seen = {};
  const spots = blocks.map((block, i) => {
    const key = `${block.place}${block.row}`, n = seen[key] = (seen[key] ?? -1) + 1, [w, h] = boxes[i];
    const slots = block.place === "bottom" ? begin : start(block.place, block.row);
    return { x: offset + slot * (slots + n + 0.5), y: tops[block.row] + heights[block.row] - h, w, h, slot };
  });
  const entry = { x: offset, y: tops[0], side: Math.min(ENTRY, 3 * slot) };
  return { width: whole, height: tops[rows - 1] + heights[rows - 1] + NOTE + LABEL + 2, spots, lines: linesOfU(blocks, spots, entry), notes: notesOfU(blocks, spots, whole, entry), entry };
}

function linesOfU(blocks, spots, entry) {
  const lines = [];
  blocks.forEach((block, i) => {
    const to = spots[i], from = spots[i - 1], y = to.y + to.h / 2;
    if (!i) lines.push([`M${entry.x + to.w / 2} ${entry.y + entry.side * 0.67}V${to.y}`, ""]);
    else if (blocks[i - 1].row === block.row && to.x > from.x) lines.push([`M${from.x + from.w / 2} ${y}H${to.x - to.w / 2}`, ""]);
    else {
      const down = to.y > from.y, a = down ? from.y + from.h + NOTE : from.y, b = down ? to.y : to.y + to.h + NOTE, half = (a + b) / 2;
      lines.push([`M${from.x} ${a}C${from.x} ${half},${to.x} ${half},${to.x} ${b}`, ""]);
    }
    for (const skip of block.skips) {
      const start = spots[skip], end = spots[block.arrives ?? i];
      if (blocks[skip].place === "left") { const h = start.y + start.h / 2; lines.push([`M${start.x + start.w / 2} ${h}H${end.x - end.w / 2}`, "skip"]); }
      else lines.push([`M${start.x} ${start.y}C${start.x} ${start.y - 14},${end.x} ${end.y - 14},${end.x} ${end.y}`, "skip"]);
    }
  });
  return lines;
}

function notesOfU(blocks, spots, whole, entry) {
  const notes = [], rows = Math.max(...blocks.map((b) => b.row)) + 1;
  for (let row = 0; row < rows; row++) {
    const here = blocks.map((b, i) => [b, spots[i]]).filter(([b]) => b.row === row), [, one] = here[0];
    const left = here.filter(([b]) => b.place === "left").map(([, s]) => s.x + s.slot / 2), right = here.filter(([b]) => b.place === "right").map(([, s]) => s.x - s.slot / 2);
    const text = here[0][0].side;
    if (here[0][0].place === "bottom") notes.push({ x: (here[0][1].x + here.at(-1)[1].x) / 2, y: one.y + one.h + NOTE, text, kind: "side" });
    else notes.push({ x: (Math.max(entry.x + (row ? 0 : entry.side), ...left) + Math.min(whole, ...right)) / 2, y: one.y + one.h / 2 - LABEL, text, kind: "side" });
  }
  return notes;
}

function layers(root, list, chosen) {
  const place = root.querySelector(".layers");
  const made = JSON.stringify(list);
  if (place.dataset.made !== made) {
    place.dataset.made = made;
    place.replaceChildren();
    list.forEach((layer, i) => {
      if (i) place.appendChild(document.createElement("span")).textContent = "→";
      const button = place.appendChild(document.createElement("button"));
      button.type = "button"; button.className = "layer"; button.dataset.name = layer.name;
      button.title = layer.name;
      button.appendChild(document.createElement("b")).textContent = layer.title;
      button.appendChild(document.createElement("small")).textContent = layer.size;
    });
  }
  place.querySelectorAll(".layer").forEach((button) => {
    button.onclick = () => root.send(button.dataset.name);
    button.setAttribute("aria-pressed", button.dataset.name === chosen);
  });
}
