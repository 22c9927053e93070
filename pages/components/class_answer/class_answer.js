// The live answer: the label, how sure, what the network sees, one bar a class. Elements are made
// once and then only changed, so that an answer is on the screen one frame after it arrives.
export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".answer");
  paint(root, data);
  root.dataset.number = data.number;
  return heardFirst(root, "cnn-lytical-answer", (answer) => paint(root, answer));
}

function paint(root, data) {
  const find = (selector) => root.querySelector(selector);
  const bars = find(".bars");
  if (bars.children.length !== data.labels.length)
    bars.replaceChildren(...data.labels.map(() => {
      const row = document.createElement("li");
      for (const part of ["name", "track", "value"]) {
        const span = row.appendChild(document.createElement("span"));
        span.className = part;
      }
      row.children[1].appendChild(document.createElement("i"));
      return row;
    }));
  root.toggleAttribute("data-error", !!data.error);
  root.toggleAttribute("data-unsure", !data.error && !!data.unsure);
  root.toggleAttribute("data-words", data.labels.some((label) => label.length > 1));
  const say = (selector, text) => {                       // once: an answer comes twice after a stroke
    const element = find(selector);
    if (element.textContent !== text) element.textContent = text;
  };
  say(".label", data.error ? "?" : data.label);
  say(".main", data.error || data.main);
  say(".rest", data.error ? "" : data.rest);
  say(".note", data.error ? "" : data.note);
  const image = find("img");
  image.hidden = !data.sees;
  if (data.sees && image.src !== data.sees) { image.src = data.sees; image.alt = data.alt; }
  [...bars.children].forEach((row, i) => {
    row.children[0].textContent = data.labels[i];
    row.style.setProperty("--p", data.error ? 0 : data.probabilities[i]);
    row.toggleAttribute("data-best", !data.error && i === data.best);
    row.children[2].textContent = data.error ? "" : data.percents[i];
  });
}
