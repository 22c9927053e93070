// One number, large, over the line of how it came about.
const WIDTH = 300, HEIGHT = 72;

export default function ({ parentElement, data }) {
  const find = (selector) => parentElement.querySelector(selector);
  for (const part of ["name", "value", "caption"]) find(`.${part}`).textContent = data[part];
  find(".spark").style.display = data.values.length > 1 ? "" : "none";
  if (data.values.length < 2) return;
  const all = [...data.values, ...data.against];
  const low = Math.min(...all), range = Math.max(...all) - low || 1;
  const y = (value) => (HEIGHT - 4 - (value - low) / range * (HEIGHT - 8)).toFixed(1);
  const path = (values) => {
    const step = WIDTH / Math.max(1, values.length - 1);
    return values.map((value, i) => `${(i * step).toFixed(1)} ${y(value)}`).join("L");
  };
  for (const [at, part] of ["first", "last"].entries()) find(`.${part}`).textContent = data.ends[at];
  const line = path(data.values);
  find(".line").setAttribute("d", `M${line}`);
  find(".area").setAttribute("d", `M0 ${HEIGHT}L${line}L${WIDTH} ${HEIGHT}Z`);
  find(".against").setAttribute("d", data.against.length > 1 ? `M${path(data.against)}` : "");
}
