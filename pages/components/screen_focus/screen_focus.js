// Takes focus and view to the heading of a screen that has just been opened. Streamlit removes the
// button that was pressed with the old screen, and the focus would fall to the top of the page.
const PATIENCE = 10_000; // milliseconds: a screen of ours is drawn while its script still runs
let done = 0;

export default function ({ data }) {
  if (!data.count || data.count === done) return;
  done = data.count;
  const end = performance.now() + PATIENCE;
  const look = () => {
    if (done !== data.count || performance.now() > end) return; // another screen came meanwhile
    const heading = document.querySelector(`.st-key-${CSS.escape(data.screen)} :is(h1, h2, h3)`);
    if (!heading) { requestAnimationFrame(look); return; }
    document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0, behavior: "instant" });
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  };
  look();
}
