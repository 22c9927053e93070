"""A Hugging Face Hub on the loopback interface, for tests and demos.

The unmodified ``huggingface_hub`` client talks to it: repos, commits, tags, LFS uploads and
downloads over a second origin that plays the CDN. Faults (a gated repo, a truncated transfer, a
server that never answers, ...) are switched on by name.

>>> from tests.hub_server import HubServer
>>> with HubServer() as hub:                                    # doctest: +SKIP
...     api = HfApi(endpoint=hub.url, token=hub.token)
...     api.create_repo("someone/weights")
...     hub.faults.add("truncate", times=1)

One subject a file: ``storage`` (repos, commits, objects), ``api``, ``resolve`` and ``lfs`` (the
routes), ``faults``, ``server`` (runs it in a thread). It knows nothing of Xet, so clients of it set
``HF_HUB_DISABLE_XET=1``.
"""

from tests.hub_server.faults import KINDS, Fault
from tests.hub_server.server import HubServer

__all__ = ["KINDS", "Fault", "HubServer"]
