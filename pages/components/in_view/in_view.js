// A place that says what it stands for once it comes into view, and again while it is in view and
// stands for something new. What Python draws below it need not be made for nobody.
const ABOVE = 1600;   // pixels: what is below it may be in view where it itself is not
// Of what is told at once, in one task of the browser, Streamlit runs the first one's fragment
// alone. So one place speaks after the other, when the browser has nothing else to do and the app
// does not run, lest what a visitor does is lost; and whose run was lost asks again.
const PATIENCE = 1000, SOON = 40;   // milliseconds
const whenIdle = window.requestIdleCallback ?? ((then) => setTimeout(then, SOON));
const runs = () => {
  const state = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState;
  return state !== undefined && state !== "notRunning";
};
const asking = (window.placesThatAsk ??= new Map());   // those not drawn yet: since when

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".place");
  root.tell = () => {
    clearTimeout(root.later);
    if (!root.watch || !root.near || root.drawn === root.wanted) return;
    if (runs()) {
      root.later = setTimeout(root.soon, SOON);
      return;
    }
    for (const [place, since] of asking) {
      if (!place.isConnected || Date.now() - since >= PATIENCE) asking.delete(place);
    }
    if (!asking.size) {
      asking.set(root, Date.now());
      setTriggerValue("seen", root.wanted);
    }
    root.later = setTimeout(root.soon, asking.has(root) ? PATIENCE : SOON);
  };
  root.soon = () => whenIdle(() => root.tell());
  root.wanted = data.token;
  if (data.drawn) {
    root.drawn = data.token;
    asking.delete(root);
  }
  if (!root.watch) {
    const scrolled = document.querySelector("[data-testid=stMain]");
    root.watch = new IntersectionObserver((entries) => {
      root.near = entries.at(-1).isIntersecting;
      root.soon();
    }, {
      root: scrolled?.contains(root.getRootNode().host) ? scrolled : null,
      rootMargin: `${ABOVE}px 0px ${data.ahead}px 0px`,
    });
    root.watch.observe(root);
  }
  root.soon();
  return () => {
    root.watch?.disconnect();
    root.watch = null;
    clearTimeout(root.later);
    asking.delete(root);
  };
}
