// A network as a row of boxes: as high as its maps, as wide as it has channels (both on a
// logarithmic scale); arcs are skip connections. Below it the layers of the chosen block.
const GAP = 10, HIGH = 132, TOP = 30, NOTE = 32, LEAST = 22, ENTRY = 72;

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".diagram");
  const net = root.querySelector(".net");
  root.send = (name) => setTriggerValue("picked", name);
  const made = JSON.stringify(data.blocks);
  if (root.dataset.made !== made) { root.dataset.made = made; draw(root, net, data); }
  const entry = net.querySelector("img");
  if (entry.src !== data.image) entry.src = data.image;
  const block = data.blocks.findIndex((b) => b.layers.some((l) => l.name === data.chosen));
  net.querySelectorAll(".block").forEach((button, i) => {
    button.setAttribute("aria-pressed", i === block);
    if (i === block && root.dataset.block !== `${i}`) {
      const scroll = root.querySelector(".scroll"), x = button.offsetLeft - net.offsetLeft;
      if (x < scroll.scrollLeft || x + button.offsetWidth > scroll.scrollLeft + scroll.clientWidth)
        scroll.scrollLeft = x - scroll.clientWidth / 2;
    }
  });
  root.dataset.block = block;
  layers(root, data.blocks[block]?.layers ?? [], data.chosen);
}

function draw(root, net, data) {
  const tallest = Math.max(...data.blocks.map((b) => b.shape.length > 1 ? b.shape[1] : 1), 2);
  const skips = data.blocks.some((b) => b.skips.length), top = skips ? TOP + 26 : 6;
  // Few blocks get room; many scroll.
  const few = data.blocks.length < 12, thick = few ? 6 : 2.6, gap = few ? 44 : GAP;
  let x = ENTRY + gap;
  const spots = data.blocks.map((block) => {
    const [channels, height] = block.shape.length > 1 ? block.shape : [block.shape[0], 1];
    const w = 8 + thick * Math.log2(channels + 1), h = 16 + (HIGH - 16) * Math.log2(height) / Math.log2(tallest);
    const column = Math.max(w, LEAST, block.note.length * 6, few ? block.side.length * 6 : 0);
    const spot = { x: x + column / 2, w, h, column };
    x += column + gap;
    return spot;
  });
  const width = x - gap, middle = top + HIGH / 2;
  net.style.width = `${width}px`; net.style.height = `${top + HIGH + NOTE}px`;
  const entry = net.querySelector("img");
  entry.style.top = `${middle - ENTRY / 2}px`;
  const svg = net.querySelector("svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${top + HIGH + NOTE}`);
  svg.replaceChildren();
  const line = (d, kind = "") => {
    const path = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    path.setAttribute("d", d); path.setAttribute("class", kind);
  };
  spots.forEach((to, i) => {
    line(`M${i ? spots[i - 1].x + spots[i - 1].w / 2 : ENTRY} ${middle}H${to.x - to.w / 2}`);
    data.blocks[i].skips.forEach((from) => {
      const start = spots[from], y = Math.min(middle - start.h / 2, middle - to.h / 2);
      const lift = Math.max(3, y - 10 - 0.9 * (i - from));
      line(`M${start.x} ${middle - start.h / 2}C${start.x} ${lift},${to.x} ${lift},${to.x} ${middle - to.h / 2}`, "skip");
    });
  });
  net.querySelectorAll(".block, .note").forEach((e) => e.remove());
  data.blocks.forEach((block, i) => {
    const { x, w, h, column } = spots[i];
    const button = net.appendChild(document.createElement("button"));
    button.type = "button"; button.className = "block"; button.title = `${block.title}: ${block.size}`;
    button.setAttribute("aria-label", button.title);
    Object.assign(button.style, { left: `${x - column / 2}px`, width: `${column}px`, top: `${top}px`, height: `${HIGH}px` });
    const box = button.appendChild(document.createElement("span"));
    box.className = "box"; box.style.width = `${w}px`; box.style.height = `${h}px`;
    button.onclick = () => root.send(block.main);
    const note = net.appendChild(document.createElement("span"));
    note.className = "note"; note.style.left = `${x}px`; note.style.top = `${top + HIGH + 6}px`;
    note.append(block.note);
    if (block.side) note.append(document.createElement("br"), block.side);
  });
}

function layers(root, list, chosen) {
  const place = root.querySelector(".layers");
  const made = JSON.stringify(list);
  if (place.dataset.made !== made) {
    place.dataset.made = made;
    place.replaceChildren();
    list.forEach((layer, i) => {
      if (i) place.appendChild(document.createElement("span")).textContent = "→";
      const button = place.appendChild(document.createElement("button"));
      button.type = "button"; button.className = "layer"; button.dataset.name = layer.name;
      button.title = layer.name;
      button.appendChild(document.createElement("b")).textContent = layer.title;
      button.appendChild(document.createElement("small")).textContent = layer.size;
    });
  }
  place.querySelectorAll(".layer").forEach((button) => {
    button.onclick = () => root.send(button.dataset.name);
    button.setAttribute("aria-pressed", button.dataset.name === chosen);
  });
}
