// What a visitor changes in the mask: a box to keep, strokes of a brush. Positions are fractions of
// the image's width and height, a radius is one of its longer side; zoo/segmentation/mask_edits.py
// repeats the same at the photo's own size.
const TOOLS = {
  compare: ["Compare", "Drag over the photo: the handle wipes between the photo and what is shown."],
  box: ["Keep a box", "Draw a box around what is to stay; the rest is left out. Keys: arrows, Space sets a corner."],
  erase: ["Erase", "Paint over what is too much. Keys: arrows, Space starts and stops, [ ] size."],
  add: ["Add", "Paint what is missing. Keys: arrows, Space starts and stops, [ ] size."],
};
const NEAR = 0.003, MOST_POINTS = 600, MOST_EDITS = 200, STEP = 0.01, LEAP = 0.05;

function round(number) { return Math.round(1e4 * number) / 1e4; }

// The edits that count: those behind the last "Start over", and of several boxes the last.
function inForce(edits) {
  const kept = edits.slice(edits.findLastIndex((edit) => edit.kind === "clear") + 1);
  const last = kept.findLastIndex((edit) => edit.kind === "box");
  return kept.filter((edit, i) => edit.kind !== "box" || i === last);
}

// Draw an edit onto the map of probabilities: black is surely no car, white surely car.
function drawEdit(on, edit) {
  const { width, height } = on.canvas;
  on.fillStyle = on.strokeStyle = edit.kind === "add" ? "#fff" : "#000";
  if (edit.kind === "box") {
    const [left, top, right, bottom] = edit.box, outside = new Path2D();
    const x = Math.round(left * width), y = Math.round(top * height);
    outside.rect(0, 0, width, height);
    outside.rect(x, y, Math.round(right * width) - x, Math.round(bottom * height) - y);
    on.fill(outside, "evenodd");
    return;
  }
  const points = edit.points.map(([x, y]) => [x * width, y * height]);
  const radius = Math.max(0.5, edit.radius * Math.max(width, height));
  on.lineWidth = 2 * radius; on.lineCap = on.lineJoin = "round";
  on.beginPath();
  on.arc(...points[0], radius, 0, 2 * Math.PI);
  on.fill();
  on.beginPath();
  for (const point of points) on.lineTo(...point);
  on.stroke();
}

// The tools. `on.draft(edit)` shows an edit that is being made, or none; `on.changed()` follows when
// one is finished, taken back or begun anew.
function editor(root, on) {
  const find = (selector) => root.querySelector(selector);
  const sheet = find(".sheet"), pad = find(".pad"), band = find(".band"), cursor = find(".cursor");
  const brush = find(".brush input");
  let edits = [], tool = "compare", draft = null, corner = null, at = [0.5, 0.5], byKeys = false;

  const radius = () => brush.value / 400;                 // 0.25 to 10 % of the longer side
  const buttons = choices(find(".tools"), TOOLS, "tool", (name) => { tool = name; drop(); draw(); });

  function draw() {
    root.dataset.tool = tool;
    mark(buttons, "tool", tool);
    pad.hidden = tool === "compare"; find(".compare").hidden = !pad.hidden;
    pad.setAttribute("aria-label", `${TOOLS[tool][0]}. ${TOOLS[tool][1]}`);
    find(".undo").disabled = !edits.length;
    find(".clear").disabled = !inForce(edits).length;
    const box = draft?.kind === "box" ? draft : tool === "box" && inForce(edits).find((e) => e.kind === "box");
    band.hidden = !box;
    if (box) {
      const [left, top, right, bottom] = box.box.map((v) => `${100 * v}%`);
      Object.assign(band.style, { left, top, width: `calc(${right} - ${left})`, height: `calc(${bottom} - ${top})` });
    }
    cursor.style.left = `${100 * at[0]}%`; cursor.style.top = `${100 * at[1]}%`;
    const size = 2 * radius() * Math.max(sheet.clientWidth, sheet.clientHeight);
    cursor.style.width = cursor.style.height = `${size}px`;
    cursor.toggleAttribute("data-cross", tool === "box");
    cursor.toggleAttribute("data-down", !!draft);
  }
  function drop() { draft = corner = null; cursor.hidden = true; on.draft(null); }
  function change(next) { edits = next.slice(-MOST_EDITS); drop(); draw(); on.changed(); }

  function begin(point) {
    at = point;
    if (tool === "box") corner = point;
    draft = tool === "box" ? { kind: "box", box: [...point, ...point] } : { kind: tool, radius: radius(), points: [point] };
    if (tool !== "box") on.draft(draft);
    draw();
  }
  function move(point) {
    at = point;
    if (draft?.kind === "box") {
      const [x, y] = corner;
      draft.box = [Math.min(x, at[0]), Math.min(y, at[1]), Math.max(x, at[0]), Math.max(y, at[1])];
    } else if (draft && draft.points.length < MOST_POINTS) {
      const [x, y] = draft.points.at(-1);
      if (Math.hypot(at[0] - x, at[1] - y) < NEAR) return draw();
      draft.points.push(point);
      on.draft(draft);
    }
    draw();
  }
  function finish() {
    if (!draft) return;
    const made = draft, [left, top, right, bottom] = made.box ?? [0, 0, 1, 1];
    if (right - left < 0.01 || bottom - top < 0.01) { drop(); return draw(); }  // a click, no box
    change([...edits, made]);
  }

  const place = (event) => {
    const box = pad.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((v) => round(Math.min(1, Math.max(0, v))));
  };
  pad.onpointerdown = (event) => {
    if (event.button || draft) return;
    byKeys = false;
    pad.setPointerCapture(event.pointerId);
    begin(place(event));
    cursor.hidden = tool === "box";
  };
  pad.onpointermove = (event) => {
    if (byKeys && draft) return;
    byKeys = false;
    cursor.hidden = tool === "box";
    for (const one of event.getCoalescedEvents?.() ?? []) move(place(one));
    move(place(event));
  };
  pad.onpointerup = () => { if (!byKeys) finish(); };
  pad.onpointercancel = () => { drop(); draw(); };         // the browser took the finger for itself
  pad.onpointerleave = () => { if (!byKeys && !draft) cursor.hidden = true; };
  pad.onblur = () => { if (byKeys) { drop(); draw(); } };
  pad.onkeydown = (event) => {
    const step = event.shiftKey ? LEAP : STEP;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in moves) {
      byKeys = true; cursor.hidden = false;
      move(at.map((v, i) => round(Math.min(1, Math.max(0, v + step * moves[event.key][i])))));
    } else if (event.key === " " || event.key === "Enter") {
      byKeys = true;
      if (draft) finish(); else begin(at);
      cursor.hidden = false;
    } else if (event.key === "Escape") { drop(); draw(); }
    else if (event.key === "[" || event.key === "]") { brush.value = Number(brush.value) + (event.key === "]" ? 2 : -2); cursor.hidden = false; draw(); }
    else return;
    event.preventDefault();
    if (!event.repeat) pad.ariaDescription = `${Math.round(100 * at[0])} % from the left, ${Math.round(100 * at[1])} % from the top${draft ? ", drawing" : ""}`;
  };
  brush.oninput = draw;
  find(".undo").onclick = () => change(edits.slice(0, -1));
  find(".clear").onclick = () => change([...edits, { kind: "clear" }]);
  root.onkeydown = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && edits.length) { change(edits.slice(0, -1)); event.preventDefault(); }
  };

  return {
    draw,
    get edits() { return edits; },
    get hint() { return tool === "compare" ? "" : TOOLS[tool][1]; },
    reset(fresh) { edits = fresh ?? []; tool = "compare"; drop(); draw(); },
  };
}

// A radio group: one tab stop, and the arrow keys choose.
function choices(group, entries, kind, choose) {
  group.replaceChildren();
  const names = Object.keys(entries);
  const buttons = names.map((name) => {
    const button = group.appendChild(document.createElement("button"));
    button.type = "button"; button.role = "radio"; button.dataset[kind] = name; button.textContent = entries[name][0];
    button.onclick = () => choose(name);
    return button;
  });
  group.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const now = buttons.indexOf(event.target), next = buttons[(now + step + names.length) % names.length];
    next.click(); next.focus();
    event.preventDefault(); event.stopPropagation();
  };
  return buttons;
}

function mark(buttons, kind, chosen) {
  for (const button of buttons) {
    button.setAttribute("aria-checked", button.dataset[kind] === chosen);
    button.tabIndex = button.dataset[kind] === chosen ? 0 : -1;
  }
}
