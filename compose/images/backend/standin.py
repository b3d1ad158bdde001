#!/usr/bin/env python3
"""Speaks to the controls of the stand-in backend from inside its container.

docker exec rust-app /app/standin emit '{"id": "a", "rate": 100, "total": 1000, "stream": "stdout"}'
docker exec rust-app /app/standin raw '{"base64": "gP8K"}'
docker exec rust-app /app/standin {stop,big,health,crash,exit} ['{"option": value}']
docker exec rust-app /app/standin status
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

CONTROLS = "http://127.0.0.1:4001/"


def main() -> int:
    """Send one control and print the answer."""
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    verb, body = sys.argv[1], (sys.argv[2:] or ["{}"])[0]
    data = None if verb == "status" else body.encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(CONTROLS + verb, data=data), timeout=10) as answer:
            print(answer.read().decode().strip())
    except urllib.error.HTTPError as problem:
        print(problem.read().decode().strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
