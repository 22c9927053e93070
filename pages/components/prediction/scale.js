// Numbers on an axis, and as people read them. A place is 0 at the axis's low end, 1 at its high.
const PAD = 14; // half a slider's thumb, so that the plot and the slider have the same axis
const place = (scale, value) => {
  const [low, high, at] = scale.log ? [scale.low, scale.high, Math.max(value, 1e-300)].map(Math.log10) : [scale.low, scale.high, value];
  return Math.min(1, Math.max(0, (at - low) / (high - low)));
};
const valueAt = (scale, at) => scale.log
  ? 10 ** (Math.log10(scale.low) + at * (Math.log10(scale.high) - Math.log10(scale.low)))
  : scale.low + at * (scale.high - scale.low);
const SMALL = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
function write(value, form) {
  const [name, given] = form.split(":");
  const digits = (usual) => Number(given ?? usual);
  const big = (d) => value.toLocaleString("en", { minimumFractionDigits: d, maximumFractionDigits: d });
  switch (name) {
    case "percent": return `${(100 * value).toFixed(digits(1))}\u00a0%`;
    case "points": return `${(100 * value).toFixed(digits(1))}\u00a0points`;
    case "times": return `${big(digits(1))}\u00a0times`;
    case "ms": return `${big(digits(0))}\u00a0ms`;
    case "power": {
      let exponent = Math.floor(Math.log10(value)), leading = Math.round(value / 10 ** exponent);
      if (leading >= 10) { leading = 1; exponent += 1; }
      return `${leading === 1 ? "" : `${leading}\u00a0×\u00a0`}10${[...String(exponent)].map((c) => SMALL[c]).join("")}`;
    }
    case "whole": return big(0);
    default: return big(digits(2));
  }
}
function make(parent, tag, attributes, text) {
  const one = parent.appendChild(document.createElementNS("http://www.w3.org/2000/svg", tag));
  for (const [name, value] of Object.entries(attributes)) name === "style" ? (one.style.cssText = value) : one.setAttribute(name, value);
  if (text !== undefined) one.textContent = text;
  return one;
}
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
// The same middle as visitor_guess.middle: timings have a median, a logarithmic axis a geometric mean.
const median = (values) => { const at = [...values].sort((a, b) => a - b), half = at.length >> 1; return at.length % 2 ? at[half] : mean([at[half - 1], at[half]]); };
const middle = (scale, values) => scale.median ? median(values) : scale.log ? 10 ** mean(values.map((v) => Math.log10(Math.max(v, 1e-300)))) : mean(values);
