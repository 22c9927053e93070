// The steps from a patch to a value, with their numbers. All numbers come from Python; the only
// thing chosen here is which input channel's products are on show.
const VIOLET = "91, 91, 214", AMBER = "214, 130, 44";

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".steps");
  root.replaceChildren(...data.steps.map((step) => section(step)));
  root.dataset.token = data.token;
}

function make(parent, tag, text = "", kind = "") {
  const element = parent.appendChild(document.createElement(tag));
  if (text) element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

function section(step) {
  const box = document.createElement("section");
  const header = make(box, "header");
  make(header, "h3", step.title);
  make(header, "span", step.place);
  if (step.patch) products(box, step);
  if (step.window) make(box, "div", "", "tables").append(table("Window", step.window, step.winner, false));
  if (step.lines.length) {
    const formula = make(box, "div", "", "formula");
    for (const [text, result] of step.lines) {
      const line = make(formula, "div", text);
      if (result) { line.append(" = "); make(line, "b", result); }
    }
  }
  const check = make(box, "p", "", "check");
  check.append("The network's own value: "); make(check, "b", step.found); check.append(`, ${step.apart} apart`);
  box.dataset.layer = step.layer; box.dataset.value = step.exact;
  return box;
}

function products(box, step) {
  const holder = make(box, "div", "", "tables");
  const note = make(box, "p");
  const show = (c) => {
    const small = step.patch[c].length > 7 || step.patch[c][0].length > 7;
    holder.replaceChildren(
      table(`Patch, channel ${step.first + c}`, step.patch[c], null, small), sign("×"),
      table("Kernel", step.kernel[c], null, small), sign("="),
      table("Products", step.products[c], null, small));
    note.textContent = step.sums.length > 1
      ? `Their sum is ${minus(step.sums[c].toPrecision(4))}. Below, the sum of each of the ${step.sums.length} input channels: up is positive, down negative; click one, or use the arrow keys.`
      : "";
    bars?.querySelectorAll("button").forEach((b, i) => { b.setAttribute("aria-pressed", i === c); b.tabIndex = i === c ? 0 : -1; });
  };
  let bars = null;
  if (step.sums.length > 1) {
    bars = make(box, "div", "", "channels");
    bars.setAttribute("role", "group"); bars.setAttribute("aria-label", "Input channels; arrow keys choose");
    bars.onkeydown = (event) => {                         // hundreds of bars are one tab stop
      const all = [...bars.children], now = all.indexOf(event.target);
      const next = { ArrowRight: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, ArrowDown: now + 1, Home: 0, End: all.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      if (all[next]) { show(next); all[next].focus(); }
    };
    const most = Math.max(...step.sums.map(Math.abs)) || 1;
    step.sums.forEach((sum, c) => {
      const button = make(bars, "button"), bar = make(button, "i"), share = 50 * Math.abs(sum) / most;
      button.type = "button"; button.title = `channel ${step.first + c}: ${minus(sum.toPrecision(4))}`;
      button.setAttribute("aria-label", button.title);
      bar.style.setProperty("--bar", `rgb(${sum >= 0 ? VIOLET : AMBER})`);
      bar.style[sum >= 0 ? "bottom" : "top"] = "50%"; bar.style.height = `${share}%`;
      button.onclick = () => show(c);
    });
  }
  show(step.strongest);
}

function sign(text) {
  const span = document.createElement("span");
  span.className = "sign"; span.textContent = text; span.ariaHidden = "true";
  return span;
}

function table(title, rows, winner, small) {
  const figure = document.createElement("figure");
  make(figure, "figcaption", title);
  const grid = make(figure, "table", "", small ? "small" : "");
  const most = Math.max(...rows.flat().map((v) => Math.abs(v ?? 0))) || 1;
  rows.forEach((row, r) => {
    const line = make(grid, "tr");
    row.forEach((value, c) => {
      const cell = make(line, "td", value === null ? "·" : digits(value));
      if (value === null) return cell.classList.add("outside");
      cell.title = `${value}`;
      cell.style.background = `rgba(${value >= 0 ? VIOLET : AMBER}, ${(0.55 * Math.abs(value) / most).toFixed(3)})`;
      cell.classList.toggle("winner", !!winner && winner[0] === r && winner[1] === c);
    });
  });
  return figure;
}

function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  return minus(size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : size >= 0.005 ? value.toFixed(2) : value.toExponential(0));
}

// A number as it is written on the pages: with a minus sign, no hyphen.
function minus(text) { return text.replace(/^-/, "−"); }
