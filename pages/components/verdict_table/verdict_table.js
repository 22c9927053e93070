// Claims with their verdicts. The claim is a link to its figure; the whole row is, for a mouse.
export default function ({ parentElement, data }) {
  parentElement.querySelector("tbody").replaceChildren(...data.rows.map(row));
}

function row(item) {
  const line = document.createElement("tr");
  const claim = cell(line), link = add(claim, "a", item.claim, "claim");
  link.href = `#${item.anchor}`;
  if (item.url) {
    const source = add(cell(line), "a", item.source, "source");
    source.href = item.url; source.target = "_blank"; source.rel = "noopener";
  } else add(cell(line), "span", item.source, "source");
  add(cell(line), "span", item.verdict, `verdict ${item.kind}`);
  add(cell(line), "span", item.number, "number");
  line.addEventListener("click", (event) => { if (!event.target.closest("a")) link.click(); });
  return line;
}

function cell(line) { return line.appendChild(document.createElement("td")); }

function add(parent, tag, text, kind) {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text; element.className = kind;
  return element;
}
