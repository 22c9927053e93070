// A place that says what it stands for once it comes into view, and again while it is in view and
// stands for something new. What Python draws below it need not be made for nobody.
const NEAR = "1600px 0px 0px 0px";   // what is below it may be in view where it itself is not

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".place");
  root.tell = () => {
    if (!root.near || root.told === root.wanted) return;
    root.told = root.wanted;
    setTriggerValue("seen", root.wanted);
  };
  root.wanted = data.token;
  if (data.drawn) root.told = data.token;
  if (!root.watch) {
    const scrolled = document.querySelector("[data-testid=stMain]");
    root.watch = new IntersectionObserver((entries) => {
      root.near = entries.at(-1).isIntersecting;
      root.tell();
    }, { root: scrolled?.contains(root.getRootNode().host) ? scrolled : null, rootMargin: NEAR });
    root.watch.observe(root);
  }
  root.tell();
  return () => { root.watch?.disconnect(); root.watch = null; };
}
