"""``python -m tests.hub_server --port 8900``: a Hub on this machine to play with."""

import argparse
import threading

from tests.hub_server import KINDS, HubServer


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.hub_server",
        description="A loopback Hugging Face Hub. It keeps everything in memory.",
        epilog="Faults: " + "; ".join(f"{kind}: {text}" for kind, text in KINDS.items()),
    )
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--user", default="tester", help="the account that the token belongs to")
    parser.add_argument(
        "--fault", action="append", default=[], choices=list(KINDS), metavar="KIND",
        help="show this fault on every download (may be repeated)",
    )  # fmt: skip
    arguments = parser.parse_args()
    with HubServer(arguments.port, arguments.user) as hub:
        for kind in arguments.fault:
            hub.faults.add(kind)
        print(f"export HF_ENDPOINT={hub.url} HF_TOKEN={hub.token}", flush=True)
        print(f'Faults: curl -X POST {hub.url}/_faults -d \'{{"kind": "503"}}\'', flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
