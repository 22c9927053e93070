// Captioned images in a grid. Elements are made once; later only the images change, so that
// nothing flickers or moves while somebody draws.
export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".gallery");
  root.style.setProperty("--columns", data.columns);
  root.style.setProperty("--few", data.few);
  root.toggleAttribute("data-stacked", !!data.stacked);
  if (root.children.length !== data.items.length)
    root.replaceChildren(...data.items.map(() => {
      const figure = document.createElement("figure");
      figure.appendChild(document.createElement("img"));
      const caption = figure.appendChild(document.createElement("figcaption"));
      caption.append(document.createElement("b"), document.createElement("span"));
      return figure;
    }));
  data.items.forEach((item, i) => {
    const [image, caption] = root.children[i].children;
    if (image.src !== item.image) image.src = item.image;
    image.alt = item.alt;
    caption.children[0].textContent = item.title;
    caption.children[1].textContent = item.detail;
  });
}
