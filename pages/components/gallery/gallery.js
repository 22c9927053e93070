// Captioned images in a grid. Elements are made once; later only the images change, so that
// nothing flickers or moves while somebody draws.
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery");
  root.style.setProperty("--columns", data.columns);
  root.style.setProperty("--few", data.few);
  root.toggleAttribute("data-stacked", !!data.stacked);
  if (root.children.length !== data.items.length)
    root.replaceChildren(...data.items.map(() => {
      const figure = document.createElement("figure");
      const place = data.open ? figure.appendChild(document.createElement("button")) : figure;
      if (data.open) place.type = "button";
      place.appendChild(document.createElement("img"));
      const caption = figure.appendChild(document.createElement("figcaption"));
      caption.append(document.createElement("b"), document.createElement("span"));
      return figure;
    }));
  data.items.forEach((item, i) => {
    const [place, caption] = root.children[i].children;
    const image = data.open ? place.firstChild : place;
    image.style.setProperty("--shape", item.shape ?? "auto");
    if (image.getAttribute("src") !== item.image) image.src = item.image;
    image.alt = item.alt;
    if (data.open) {
      place.title = data.open;
      place.onclick = () => {
        setTriggerValue("opened", i);
        const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
        const target = data.target && document.querySelector(`.st-key-${data.target}`);
        target?.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "center" });
      };
    }
    caption.children[0].textContent = item.title;
    caption.children[1].textContent = item.detail;
  });
}
