// A confusion matrix. A cell whose images are here opens them: by a click, Enter or Space. The
// matrix is one tab stop; arrow keys go from cell to cell. Python gets [row, column].
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".matrix"), table = root.querySelector("table");
  const made = JSON.stringify([data.labels, data.counts, data.examples]);
  if (root.dataset.made !== made) {
    root.dataset.made = made;
    build(root, table, data);
  }
  const chosen = data.chosen ? data.chosen.join() : "";
  const cells = [...table.querySelectorAll("tbody td")];
  for (const cell of cells) cell.setAttribute("aria-selected", cell.dataset.at === chosen);
  const first = cells.find((cell) => cell.dataset.at === chosen) ?? cells[0];
  if (!cells.some((cell) => cell.tabIndex === 0)) first.tabIndex = 0;
  const open = (cell) => {
    if (!cell?.classList.contains("opens")) return;
    setTriggerValue("opened", cell.dataset.at.split(",").map(Number));
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    document.querySelector(`.st-key-${data.target}`)
      ?.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "nearest" });
  };
  table.onclick = (event) => { focus(cells, event.target.closest("tbody td")); open(event.target.closest("tbody td")); };
  table.onkeydown = (event) => {
    const at = cells.indexOf(event.target.closest("tbody td")), n = data.labels.length;
    if (at < 0) return;
    if (event.key === "Enter" || event.key === " ") open(cells[at]);
    else {
      const steps = { ArrowLeft: at % n ? -1 : 0, ArrowRight: (at + 1) % n ? 1 : 0, ArrowUp: -n, ArrowDown: n };
      if (!(event.key in steps)) return;
      focus(cells, cells[at + steps[event.key]])?.focus();
    }
    event.preventDefault();
  };
}

function focus(cells, cell) {
  if (!cell) return null;
  for (const other of cells) other.tabIndex = other === cell ? 0 : -1;
  return cell;
}

function build(root, table, data) {
  const longest = Math.max(...data.labels.map((label) => label.length));
  root.toggleAttribute("data-long", longest > 2);
  table.style.setProperty("--names", `${Math.max(1.5, 0.45 * longest + 1)}rem`);
  table.setAttribute("aria-label", data.title);
  root.querySelector(".hint").textContent = data.hint;
  const examples = new Set(data.examples.map((at) => at.join()));
  const most = Math.max(1, ...data.counts.flatMap((row, i) => row.filter((_, j) => i !== j)));
  const head = make("tr");
  head.append(make("td"), ...data.labels.map((label) => {
    const cell = make("th"); cell.scope = "col";
    cell.appendChild(make("span")).textContent = label;
    return cell;
  }));
  table.querySelector("thead").replaceChildren(head);
  table.querySelector("tbody").replaceChildren(...data.counts.map((row, i) => {
    const line = make("tr"), name = line.appendChild(make("th"));
    name.scope = "row"; name.textContent = data.labels[i];
    for (const [j, count] of row.entries()) {
      const cell = line.appendChild(make("td"));
      cell.dataset.at = `${i},${j}`; cell.tabIndex = -1;
      cell.textContent = count || i === j ? count.toLocaleString("en") : "·";
      cell.style.setProperty("--share", i === j ? 0 : (count / most).toFixed(3));
      cell.classList.toggle("right", i === j);
      cell.classList.toggle("opens", examples.has(`${i},${j}`));
      cell.title = i === j ? `${count.toLocaleString("en")} × ${data.labels[i]}, answered right` : `${count.toLocaleString("en")} × ${data.labels[i]}, answered ${data.labels[j]}`;
      cell.setAttribute("aria-label", cell.title);
    }
    return line;
  }));
}

function make(tag) { return document.createElement(tag); }
