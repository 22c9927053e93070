// One number, large, over the line of how it came about.
const WIDTH = 300, HEIGHT = 72;

export default function ({ parentElement, data }) {
  const find = (selector) => parentElement.querySelector(selector);
  for (const part of ["name", "value", "caption"]) find(`.${part}`).textContent = data[part];
  find("svg").style.display = data.values.length > 1 ? "" : "none";
  if (data.values.length < 2) return;
  const low = Math.min(...data.values), range = Math.max(...data.values) - low || 1;
  const step = WIDTH / Math.max(1, data.values.length - 1);
  const points = data.values.map((v, i) => `${(i * step).toFixed(1)} ${(HEIGHT - 4 - (v - low) / range * (HEIGHT - 8)).toFixed(1)}`);
  find(".line").setAttribute("d", `M${points.join("L")}`);
  find(".area").setAttribute("d", `M0 ${HEIGHT}L${points.join("L")}L${WIDTH} ${HEIGHT}Z`);
}
