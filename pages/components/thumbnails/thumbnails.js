// Small images to choose from, in named groups. Python gets the id of the one that was clicked.
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".strip");
  root.toggleAttribute("data-wide", !!data.wide);
  root.toggleAttribute("data-beside", !!data.beside);
  root.toggleAttribute("data-row", !!data.row);
  const made = JSON.stringify(data.groups.map((g) => g.items.map((i) => i.id)));
  if (root.dataset.made !== made) {
    root.dataset.made = made;
    root.replaceChildren(...data.groups.map((group) => {
      const section = document.createElement("section");
      const title = section.appendChild(document.createElement("h2"));
      title.textContent = group.title;
      const list = section.appendChild(document.createElement("div"));
      list.className = "items";
      list.style.setProperty("--count", Math.min(10, group.items.length));
      for (const item of group.items) {
        const button = list.appendChild(document.createElement("button"));
        button.type = "button"; button.dataset.id = item.id;
        button.setAttribute("aria-label", item.description);
        button.title = item.description;
        const image = button.appendChild(document.createElement("img"));
        image.src = item.image; image.alt = "";
        if (item.note) {
          const note = button.appendChild(document.createElement("span"));
          note.textContent = item.note;
        }
      }
      return section;
    }));
  }
  for (const button of root.querySelectorAll("button")) {
    button.onclick = () => {
      const id = root.latest = button.dataset.id;
      askFirst({
        request: () => data.ask ? fetch(data.ask + encodeURIComponent(id)) : null,
        event: "cnn-lytical-answer",
        current: () => root.latest === id,
        then: () => setTriggerValue("picked", id),
      });
    };
    button.setAttribute("aria-pressed", button.dataset.id === data.selected);
  }
}
