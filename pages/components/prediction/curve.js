// "You draw it": a curve is drawn into the empty chart with mouse or finger, or set point by point
// with the arrow keys. Behind the reveal the measured curve draws itself beside it.
const CURVE_HEIGHT = 344;
function curveFrame(data, width) {
  const left = 8 + 7.2 * Math.max(...data.ticks.map((tick) => tick.text.length)), right = 14, top = 34, bottom = CURVE_HEIGHT - 48;
  const columns = data.curve.labels.length;
  const x = (i) => left + 12 + i * (width - left - right - 24) / Math.max(1, columns - 1);
  const y = (value) => bottom - place(data.scale, value) * (bottom - top);
  return { left, right, top, bottom, columns, x, y };
}
const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
function drawCurve(svg, data, width, guess) {
  const { left, right, top, bottom, columns, x, y } = curveFrame(data, width);
  svg.setAttribute("height", CURVE_HEIGHT);
  svg.setAttribute("viewBox", `0 0 ${width} ${CURVE_HEIGHT}`);
  svg.replaceChildren();
  make(svg, "text", { x: 0, y: 12, class: "strong" }, data.scale.label);
  let lastY = Infinity;
  data.ticks.forEach((tick) => {
    make(svg, "line", { class: "grid", x1: left, x2: width - right, y1: y(tick.at), y2: y(tick.at) });
    if (lastY - y(tick.at) < 18) return;
    lastY = y(tick.at);
    make(svg, "text", { x: left - 6, y: y(tick.at) + 4, "text-anchor": "end" }, tick.text);
  });
  make(svg, "line", { class: "base", x1: left, x2: width - right, y1: bottom, y2: bottom });
  let end = -Infinity;
  data.curve.labels.forEach((label, i) => {
    const half = label.length * 3.9;
    if (x(i) - half < end + 6) return;
    end = x(i) + half;
    make(svg, "text", { x: x(i), y: bottom + 20, "text-anchor": "middle" }, label);
  });
  make(svg, "text", { x: (left + width - right) / 2, y: CURVE_HEIGHT - 6, "text-anchor": "middle", class: "strong" }, data.curve.label);
  const points = guess.map((value, i) => value === null ? null : [x(i), y(value)]);
  if (!data.revealed) {
    const middleY = y(data.start);
    if (points.every((p) => !p)) {
      make(svg, "path", { class: "ghost", d: path([[x(0), middleY], [x(columns - 1), middleY]]) });
      make(svg, "text", { x: (x(0) + x(columns - 1)) / 2, y: middleY - 20, "text-anchor": "middle", class: "guess" }, "Draw your curve from left to right");
    }
    for (let i = 0, run = []; i <= columns; i++) {
      if (i < columns && points[i]) run.push(points[i]);
      else if (run.length) { make(svg, "path", { class: "drawn", d: path(run) }); run = []; }
    }
    return;
  }
  const measured = data.curve.values.map((values, i) => [x(i), y(middle(data.scale, values))]);
  if (points.every(Boolean) && points.length) {
    make(svg, "path", { class: "between late", d: `${path([...points, ...measured.slice().reverse()])}Z` });
    make(svg, "path", { class: "drawn", d: path(points) });
  }
  const line = make(svg, "path", { class: "line", d: path(measured) });
  line.style.setProperty("--length", line.getTotalLength());
  data.curve.values.forEach((values, i) => values.forEach((value) =>
    make(svg, "circle", { class: "dot", cx: x(i), cy: y(value), r: values.length > 1 ? 4.5 : 5.5, style: `--at: ${0.3 + 1.5 * i / columns}` })));
  const tag = (i, at, text, type, up) => make(svg, "text", { class: `${type} late`, x: Math.min(width - right, x(i)), y: Math.min(bottom - 6, Math.max(top + 4, at + (up ? -12 : 22))), "text-anchor": i < 2 ? "start" : i > columns - 3 ? "end" : "middle" }, text);
  if (points.every(Boolean) && points.length) {
    const gap = (i) => Math.abs(points[i][1] - measured[i][1]);
    const at = measured.reduce((best, _, i) => gap(i) > gap(best) ? i : best, 0), above = measured[at][1] < points[at][1];
    tag(at, points[at][1], "you", "guess", !above);
    tag(at, measured[at][1], "measured", "truth", above);
  }
}
function startCurve(root, svg, data, guess, width, changed) {
  // Handles are kept apart from what is drawn again, so that the focus stays where it is.
  const { left, top, bottom, columns, x, y } = curveFrame(data, width());
  const columnAt = (event) => {
    const box = svg.getBoundingClientRect(), frame = curveFrame(data, width());
    const step = (frame.x(columns - 1) - frame.x(0)) / (columns - 1);
    const column = Math.min(columns - 1, Math.max(0, Math.round((event.clientX - box.left - frame.x(0)) / step)));
    const at = (frame.bottom - (event.clientY - box.top)) / (frame.bottom - frame.top);
    return [column, Math.min(1, Math.max(0, at))];
  };
  let last = null;
  const set = (column, at) => {
    if (last) {
      const [from, was] = last, steps = Math.abs(column - from);
      for (let k = 1; k < steps; k++) guess[from + Math.sign(column - from) * k] = valueAt(data.scale, was + (at - was) * k / steps);
    }
    guess[column] = valueAt(data.scale, at);
    last = [column, at];
    changed();
  };
  svg.onpointerdown = (event) => {
    if (data.revealed) return;
    svg.setPointerCapture(event.pointerId);
    last = null;
    set(...columnAt(event));
    svg.onpointermove = (now) => set(...columnAt(now));
    event.preventDefault();
  };
  svg.onpointerup = svg.onpointercancel = () => { svg.onpointermove = null; last = null; };
}
function drawHandles(svg, data, width, guess, changed, focused) {
  const { columns, x, y } = curveFrame(data, width);
  for (let i = 0; i < columns; i++) {
    const value = guess[i] ?? data.start;
    const handle = make(svg, "circle", {
      class: "handle", cx: x(i), cy: y(value), r: 8, tabindex: 0, role: "slider", "aria-label": `${data.scale.label || "Your prediction"} at ${data.curve.labels[i]}`,
      "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(100 * place(data.scale, value)), "aria-valuetext": guess[i] === null ? "not set" : write(value, data.scale.form),
    });
    if (guess[i] === null) handle.dataset.open = "";
    handle.onkeydown = (event) => {
      const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (side) { event.preventDefault(); svg.querySelectorAll(".handle")[i + side]?.focus(); return; }
      const by = { ArrowUp: 0.02, ArrowDown: -0.02, PageUp: 0.1, PageDown: -0.1, Home: -1, End: 1, Enter: 0, " ": 0 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      guess[i] = valueAt(data.scale, Math.min(1, Math.max(0, place(data.scale, value) + by)));
      changed(i);
    };
    if (focused === i) handle.focus();
  }
}
