// Text in a drawing that is as wide as its place: --unit is one CSS pixel in the drawing's own units,
// so that `font-size: calc(12 * var(--unit, 1px))` is 12 pixels however far it is scaled.
function legible(svg) {
  const measure = () => {
    const scale = svg.getScreenCTM()?.a;
    if (scale) svg.style.setProperty("--unit", `${1 / scale}px`);
  };
  measure();
  svg.watched ??= new ResizeObserver(measure);
  svg.watched.observe(svg);
}
