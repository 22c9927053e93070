"""The page's own clock: from an event to the painted change, and where the time in between went.

``watched`` must be in the page before Streamlit opens its WebSocket; it notes when a message left
and when one came, and the same of what a component asks for itself. All times are the browser's
(``performance.now``), so that nothing is lost between two clocks. In a headless browser a frame
lasts 16.7 ms: a wait of up to one is included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

# What the parts of a wait are called, in the order of time; together they are the wait.
PARTS = {
    "send": "event → message sent (the drawing's PNG, the frontend's timers)",
    "begin": "→ first message back (WebSocket and the run's thread, or the whole answer)",
    "script": "→ message with the answer (a run's callbacks, network, image)",
    "page": "→ the element has changed (the frontend)",
    "paint": "→ the frame with it has been painted",
}
# What lies beside or within those.
IMAGE, NETWORK = "image", "network"
BESIDE = {
    IMAGE: "beside the painting: the answer's image is decoded",
    NETWORK: "within the script: what the answer itself says that it took",
}

_WIRE = """
(() => {
  window.wire = [];
  const note = (sent, data, size) =>
    window.wire.push({ at: performance.now(), sent, data, size: size ?? data.byteLength });
  window.WebSocket = class extends window.WebSocket {
    constructor(...all) {
      super(...all);
      this.addEventListener("message", (event) => note(false, event.data));
    }
    send(data) { note(true, data); super.send(data); }
  };
  const fetched = window.fetch;                   // an answer that a component asks for by itself
  window.fetch = async (address, options) => {
    if (!String(address).includes("/live/")) return fetched(address, options);
    const name = new TextEncoder().encode(address);
    note(true, name, options?.body?.byteLength ?? 0);
    const response = await fetched(address, options);
    note(false, name, Number(response.headers.get("content-length")));
    return response;
  };
})();
"""

# Sets window.waited: the moments of the next EVENT on SOURCE and of what it changes: ATTRIBUTE on
# SHOWN, and the image in PICTURE.
_CLOCK = """
([source, event, shown, attribute, picture]) => {
  const inside = (selector) => {
    for (const host of document.querySelectorAll('[data-testid=stBidiComponentIsolated]')) {
      const found = host.shadowRoot?.querySelector(selector);
      if (found) return found;
    }
  };
  const change = inside(shown), image = inside(picture);
  window.waited = new Promise((resolve) => {
    inside(source).addEventListener(event, () => {
      const start = performance.now();
      window.wire.length = 0;
      new MutationObserver(async (_, observer) => {
        observer.disconnect();
        const changed = performance.now();
        let decoded = changed;
        const ready = image.decode().catch(() => {}).then(() => { decoded = performance.now(); });
        if (image === change) await ready;
        requestAnimationFrame(() => {               // the frame that paints the change
          const channel = new MessageChannel();     // a message handled right after it
          channel.port1.onmessage = async () => {
            const painted = performance.now();
            await ready;
            resolve({ start, changed, decoded, painted });
          };
          channel.port2.postMessage(0);
        });
      }).observe(change, { attributes: true, attributeFilter: [attribute] });
    }, { once: true, capture: true });
  });
}
"""

# The moments, and those of the messages in between; MARK is in the bytes of the one that counts.
_MOMENTS = """
async (mark) => {
  const moments = await window.waited, text = new TextDecoder("latin1");
  const until = (one) => one.at >= moments.start && one.at <= moments.changed;
  const sent = window.wire.filter((one) => one.sent && until(one));
  const came = window.wire.filter((one) => !one.sent && until(one) && one.at >= sent[0]?.at);
  // What the browser has had before comes as a reference alone: the last before the change, then.
  const answer = came.find((one) => text.decode(one.data).includes(mark)) ?? came.at(-1);
  const bytes = (list) => list.reduce((sum, one) => sum + one.size, 0);
  return {
    ...moments, sent: sent[0]?.at, begun: came[0]?.at, answered: answer?.at,
    bytes_sent: bytes(sent), bytes_came: bytes(came),
  };
}
"""


@dataclass(frozen=True)
class Wait:
    """One wait.

    Attributes:
        total: Milliseconds from the event to the painted change.
        parts: Milliseconds by :data:`PARTS`, which sum up to the total; and :data:`IMAGE`.
        kilobytes: Sent by the browser until the change, and received.
    """

    total: float
    parts: dict[str, float]
    kilobytes: tuple[float, float]


def watched(page: Any) -> None:
    """Let a page, which nothing was opened in yet, note its messages.

    Args:
        page: Playwright's page.
    """
    page.add_init_script(_WIRE)


def timed(
    page: Any,
    act: Callable[[], None],
    source: str,
    event: str,
    shown: str,
    attribute: str,
    *,
    picture: str,
    message: str,
) -> Wait:
    """Do something on a page; return how long it takes until its effect has been painted.

    Args:
        page: Playwright's page, `watched`.
        act: What to do.
        source: Selector, inside a component, of the element that gets the event.
        event: Name of the DOM event at which the clock starts.
        shown: Selector, inside a component, of the element that changes.
        attribute: Its attribute that changes. An image is decoded before it counts as painted.
        picture: Selector of the answer's image, which may be what changes.
        message: What is in the bytes of the message that carries the answer, the component's name,
            or in the address that a component asks.

    Raises:
        RuntimeError: The page changed without any message from the server.
    """
    page.evaluate(_CLOCK, [source, event, shown, attribute, picture])
    act()
    return wait_of(page.evaluate(_MOMENTS, message))


def wait_of(moments: dict[str, float | None]) -> Wait:
    """Return the wait between some moments in milliseconds, as the page notes them.

    Raises:
        RuntimeError: One of them is missing.
    """
    names = ("start", "sent", "begun", "answered", "changed", "painted")
    at = [moments.get(name) for name in names]
    times = [moment for moment in at if moment is not None]
    if len(times) < len(names):
        missing = ", ".join(name for name, moment in zip(names, at, strict=True) if moment is None)
        raise RuntimeError(f"The page answered, but no message says when ({missing}).")
    steps = [after - before for before, after in pairwise(times)]
    parts = dict(zip(PARTS, steps, strict=True))
    parts[IMAGE] = (moments["decoded"] or 0) - (moments["changed"] or 0)
    kilobytes = tuple((moments[key] or 0) / 1000 for key in ("bytes_sent", "bytes_came"))
    return Wait(times[-1] - times[0], parts, (kilobytes[0], kilobytes[1]))
