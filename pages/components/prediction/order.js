// Things to be put in order: dragged by mouse or finger, or moved with the arrow keys or buttons.
function startOrder(root, control, data, changed) {
  const list = document.createElement("ol");
  list.className = "items";
  list.setAttribute("aria-label", "Your order");
  const ends = (text) => Object.assign(document.createElement("div"), { className: "ends", textContent: text });
  control.replaceChildren(ends(data.ends[0]), list, ends(data.ends[1]));
  const number = () => [...list.children].forEach((item, i) => {
    item.querySelector(".place").textContent = i + 1;
    item.querySelector(".name").nextSibling.disabled = false;
  });
  const current = () => [...list.children].map((item) => Number(item.dataset.item));
  function move(item, by, focus) {
    const items = [...list.children], to = items.indexOf(item) + by;
    if (to < 0 || to >= items.length) return;
    list.insertBefore(item, by > 0 ? items[to].nextSibling : items[to]);
    number();
    focus?.focus();
    changed(current(), `${item.querySelector(".name").textContent} is now number ${to + 1}.`);
  }
  data.items.forEach((label, i) => {
    const item = list.appendChild(document.createElement("li"));
    item.dataset.item = i;
    const part = (tag, name, text) => Object.assign(item.appendChild(document.createElement(tag)), { className: name, textContent: text });
    part("span", "place", "");
    part("span", "name", label);
    for (const [by, sign, word] of [[-1, "↑", "up"], [1, "↓", "down"]]) {
      const button = part("button", "", sign);
      button.type = "button";
      button.setAttribute("aria-label", `Move “${label}” ${word}`);
      button.onclick = () => move(item, by, button);
      button.onkeydown = (event) => {
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (step) { event.preventDefault(); move(item, step, button); }
      };
    }
    item.onpointerdown = (event) => {
      if (event.target.tagName === "BUTTON") return;
      item.setPointerCapture(event.pointerId);
      item.dataset.held = "";
      let from = event.clientY;
      item.onpointermove = (now) => {
        item.style.transform = `translateY(${now.clientY - from}px)`;
        const box = item.getBoundingClientRect(), centre = box.top + box.height / 2;
        const before = item.previousElementSibling?.getBoundingClientRect(), after = item.nextElementSibling?.getBoundingClientRect();
        const by = before && centre < before.top + before.height / 2 ? -1 : after && centre > after.top + after.height / 2 ? 1 : 0;
        if (!by) return;
        const was = item.offsetTop;
        move(item, by);
        from += item.offsetTop - was;
        item.style.transform = `translateY(${now.clientY - from}px)`;
      };
      item.onpointerup = item.onpointercancel = () => {
        item.onpointermove = null;
        item.style.transform = "";
        delete item.dataset.held;
      };
    };
  });
  number();
  return current();
}
