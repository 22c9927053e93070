// A place that says what it stands for once it comes into view, and again while it is in view and
// stands for something new. What Python draws below it need not be made for nobody.
const ABOVE = 1600;   // pixels: what is below it may be in view where it itself is not
// Of two runs that are asked for at once Streamlit may begin one alone: one place after the other,
// and whose run was lost, for nothing runs any more, asks again.
const PATIENCE = 1000, SOON = 40;   // milliseconds
const asking = (window.placesThatAsk ??= new Map());   // those whose answer is not drawn: since when

const lost = (since) => Date.now() - since >= PATIENCE
  && document.querySelector("[data-testid=stApp]")?.dataset.testScriptState !== "running";

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".place");
  root.tell = () => {
    clearTimeout(root.later);
    if (!root.near || root.drawn === root.wanted) return;
    for (const [place, since] of asking) {
      if (!place.isConnected || lost(since)) asking.delete(place);
    }
    if (!asking.size) {
      asking.set(root, Date.now());
      setTriggerValue("seen", root.wanted);
    }
    root.later = setTimeout(root.tell, asking.has(root) ? PATIENCE : SOON);
  };
  root.wanted = data.token;
  if (data.drawn) {
    root.drawn = data.token;
    asking.delete(root);
  }
  if (!root.watch) {
    const scrolled = document.querySelector("[data-testid=stMain]");
    root.watch = new IntersectionObserver((entries) => {
      root.near = entries.at(-1).isIntersecting;
      root.tell();
    }, {
      root: scrolled?.contains(root.getRootNode().host) ? scrolled : null,
      rootMargin: `${ABOVE}px 0px ${data.ahead}px 0px`,
    });
    root.watch.observe(root);
  }
  root.tell();
  return () => {
    root.watch?.disconnect();
    root.watch = null;
    clearTimeout(root.later);
    asking.delete(root);
  };
}
