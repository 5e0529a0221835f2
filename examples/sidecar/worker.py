"""The application: does its work while the node beside it holds the leadership.

It asks before each piece of work, and sends the epoch along as a fencing token: between the answer
and the write the leadership may end, and then only the store can tell.
"""

import json
import sys
import time
import urllib.error
import urllib.request


def leadership(node: str):
    """What the node says while it leads, else None."""
    try:
        with urllib.request.urlopen(node + "/leader", timeout=1) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError):
        return None


def main(node: str) -> None:
    while True:
        held = leadership(node)
        if held:
            print(f"  beside node {held['node']}: working under token {held['epoch']}", flush=True)
        time.sleep(0.25)


main(sys.argv[1])
