"""Visitors of a gate at several proxies, while it is switched: what each got, and when.

    python -m bench.gates.visitors FILE HOST PATH PORT [PORT ...]

They ask until stdin ends, each over a kept connection, one request after the other; then all that
they got is in FILE.
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

EACH = 4
"""The visitors of each proxy."""
_LIMIT = 30.0
_PAUSE = 0.05


class Visit(NamedTuple):
    """A request and its answer, as times of the machine's monotonic clock.

    `backend` is the port that answered, and 0 without an answer of status 200.
    """

    sent: float
    received: float
    backend: int


def read(text: str) -> Sequence[Visit]:
    """Return the visits in the text of a file."""
    return [Visit(*row) for row in json.loads(text)]


def visit(port: int, host: str, path: str, over: threading.Event) -> Sequence[Visit]:
    """Ask one proxy again and again until it is over."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LIMIT)
    found = []
    while not over.is_set():
        sent, backend = time.monotonic(), 0
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status == 200:
                backend = int(text.split()[0])
        except (http.client.HTTPException, OSError):
            connection.close()  # the next request opens another
        found.append(Visit(sent, time.monotonic(), backend))
        if not backend:
            time.sleep(_PAUSE)  # an error is not counted a thousand times
    connection.close()
    return found


def main(file: str, host: str, path: str, *ports: str) -> None:
    """Visit all proxies until stdin ends."""
    over, found = threading.Event(), list[Visit]()

    def work(port: int) -> None:
        found.extend(visit(port, host, path, over))

    threads = [
        threading.Thread(target=work, args=(int(port),)) for port in ports for _ in range(EACH)
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    Path(file).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
