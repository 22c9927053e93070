// Batches come in; running ← (1 − momentum) · running + momentum · mean, from 0, as PyTorch does.
const WIDTH = 420, HEIGHT = 130, LEFT = 34, BOTTOM = 16, PAUSE = 260;
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export default function ({ parentElement, data }) {
  const find = (selector) => parentElement.querySelector(selector);
  const { means } = data, values = [0, data.settled, ...means];
  const low = Math.min(...values), range = Math.max(...values) - low || 1;
  const x = (i) => LEFT + i * (WIDTH - LEFT - 8) / means.length;
  const y = (value) => 8 + (1 - (value - low) / range) * (HEIGHT - BOTTOM - 16);
  const root = find(".running");
  legible(find("svg"));
  let momentum = root.momentum ?? data.chosen;

  find(".axis").replaceChildren(...[0, data.settled].map((value) => {
    const text = make("text", { x: 0, y: y(value) + 3.5 });
    text.textContent = value.toFixed(2);
    return text;
  }));
  for (const [name, value] of Object.entries({ x1: LEFT, x2: WIDTH, y1: y(data.settled), y2: y(data.settled) }))
    find(".settled").setAttribute(name, value);
  function draw(count) {
    let running = 0, path = `M${x(0)} ${y(0)}`;
    for (let i = 0; i < count; i++) {
      running = (1 - momentum) * running + momentum * means[i];
      path += `L${x(i + 1)} ${y(running)}`;
    }
    find(".dots").replaceChildren(...means.slice(0, count).map((mean, i) => make("circle", { cx: x(i + 1), cy: y(mean), r: 3.5 })));
    find(".line").setAttribute("d", path);
    find(".head").setAttribute("cx", x(count)); find(".head").setAttribute("cy", y(running));
    find(".words").textContent = count
      ? `Batch ${count}: μ = ${means[count - 1].toFixed(3)}; running mean ${running.toFixed(3)}. Dashed: what the trained layer keeps`
      : "The running mean begins at 0.";
  }

  function play() {
    clearInterval(root.timer);
    let count = still() ? means.length : 0;
    draw(count);
    if (count < means.length) root.timer = setInterval(() => {
      draw(++count);
      if (count >= means.length || !root.isConnected) clearInterval(root.timer);
    }, PAUSE);
  }

  find(".choices").replaceChildren(...data.momenta.map((value) => {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = value;
    button.setAttribute("aria-pressed", value === momentum);
    button.onclick = () => {
      root.momentum = momentum = value;
      for (const other of find(".choices").children) other.setAttribute("aria-pressed", other === button);
      play();
    };
    return button;
  }));
  find(".again").onclick = play;
  const token = JSON.stringify(means);
  if (root.token !== token) {
    root.token = token;
    draw(0);
    root.seen?.disconnect();  // it plays when it is seen: it may stand in a tab that nobody has opened
    root.seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      root.seen.disconnect();
      play();
    });
    root.seen.observe(root);
  } else draw(means.length);
  return () => clearInterval(root.timer);
}

function make(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
