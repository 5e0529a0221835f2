"""The application. It works while the node beside it holds the leadership.

It asks the node before each piece of work, and sends its fencing token with each write.
The leadership may end between the answer and the write, and then only the store can notice.
"""

import json
import sys
import time
import urllib.error
import urllib.request


def leadership(node: str):
    """Returns the answer of the node while it leads, else None."""
    try:
        with urllib.request.urlopen(node + "/leader", timeout=1) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError):
        return None


def main(node: str) -> None:
    while True:
        held = leadership(node)
        if held:
            number, token = held["node"], held["fencing_token"]
            print(f"  beside node {number}: working under token {token}", flush=True)
        time.sleep(0.25)


main(sys.argv[1])
