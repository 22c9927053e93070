"""Every fault with the outcome that is promised, whichever entry point meets it.

``RECOVERS``: the Hub's weights arrive all the same. Anything else is a pattern of the sentence
that the user reads: as the error of ``source="hub"``, and as the notice beside the bundled weights
of ``source="auto"``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.hub_server import KINDS, HubServer

RECOVERS = ""
WEIGHTS = "/resolve/.*model.safetensors|^/cdn/"


@dataclass(frozen=True)
class Case:
    """A fault, how it is switched on, and what must come out."""

    name: str
    kind: str
    outcome: str
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def description(self) -> str:
        """What happens, in words."""
        return KINDS[self.kind] + (f" ({self.note})" if self.note else "")

    @property
    def timeout(self) -> str:
        """ZOO_TIMEOUT for this case, in place of the 20 of real life.

        Short where the deadline is what ends it (or must not end it: ``slow``); long where
        something recovers, so that a busy machine doesn't look like a silent Hub.
        """
        return "2" if self.outcome != RECOVERS or self.kind == "slow" else "10"

    @contextmanager
    def on(self, hub: HubServer) -> Iterator[None]:
        """Switch the fault on for the length of a ``with`` block."""
        with hub.fault(self.kind, **self.options):
            yield


CASES = [
    Case("401", "401", r"refused the token; renew it"),
    Case("403-gated", "403-gated", r"is gated: ask for access"),
    Case("404-repo", "404-repo", r"no repo tester/weights on the Hub"),
    Case("404-revision", "404-revision", r"has no revision '[0-9a-f]{40}'"),
    Case("404-file", "404-file", r"has no mnist/.* in revision"),
    Case("500", "500", r"is failing \(HTTP 500\)"),
    Case("503", "503", r"is failing \(HTTP 503\)"),
    Case("503-once", "503", RECOVERS, {"times": 1}, "once"),
    Case("slow", "slow", RECOVERS, {"path": WEIGHTS, "seconds": 0.3}, "3 s in all"),
    Case("hang", "hang", r"did not answer in time|sent nothing for"),
    Case("hang-body", "hang", r"did not answer|sent nothing for", {"path": "^/cdn/"}, "CDN only"),
    Case("stall", "stall", r"sent nothing for", {"path": WEIGHTS}),
    Case("truncate-once", "truncate", RECOVERS, {"path": WEIGHTS, "times": 1}, "once"),
    Case("truncate-always", "truncate", r"broke off|sent nothing for", {"path": WEIGHTS}, "always"),
    Case("corrupt-once", "corrupt", RECOVERS, {"path": WEIGHTS, "times": 1}, "once"),
    Case("corrupt-always", "corrupt", r"sent it twice", {"path": WEIGHTS}, "always"),
    Case("wrong-file", "wrong-file", r"sent it twice", {"path": "record.json"}),
    Case("redirect", "redirect", RECOVERS),
]
# A kind of outcome each: refused, failing, recovered, slow, silent, never whole. By these one sees
# what an entry point makes of an outcome; which outcome a fault has is decided below it.
KINDS_OF_OUTCOME = [
    case
    for case in CASES
    if case.name in ("401", "500", "503-once", "slow", "hang-body", "corrupt-always")
]
