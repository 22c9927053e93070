// The server's answer to what somebody has just done, before the page's run. A run brings the same,
// and all that follows from it; but what it sends, the browser lays out for longer than all else
// takes. `event` hands the answer to the component that shows it.
const PATIENCE = 150;   // milliseconds that the run waits for the answer beside it

function askFirst({ request, event, current, then }) {
  const shown = handOn(request, event, current).catch(() => {});   // the run brings it all the same
  Promise.race([shown, new Promise((late) => setTimeout(late, PATIENCE))]).then(then);
}

async function handOn(request, event, current) {
  const response = await request();
  if (!response?.ok) return;
  const detail = await response.json();
  if (!current()) return;
  window.dispatchEvent(new CustomEvent(event, { detail }));
  await new Promise(requestAnimationFrame);
  await new Promise((after) => setTimeout(after));      // it has been painted
}

// Have a component, whose element is `root`, told of such answers as long as it is mounted.
function heardFirst(root, event, show) {
  root.heard ??= ({ detail }) => {
    show(detail);
    root.dataset.live = Number(root.dataset.live ?? 0) + 1;
  };
  window.addEventListener(event, root.heard);           // the same listener counts once
  return () => window.removeEventListener(event, root.heard);
}
