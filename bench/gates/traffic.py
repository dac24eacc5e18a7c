"""Requests for rules: by wrk for all of them at random, and single ones whose answers are read."""

import contextlib
import http.client
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.gates import rules
from bench.gates.rules import Lead, Rules
from bench.harness.errors import BenchError
from bench.proxy import load
from bench.proxy.load import Answered

CONNECTIONS = 64
_LIMIT = 30.0
_CHECKED = 100


def write_requests(folder: Path, wanted: Rules, *, ordinary: bool = False) -> Path:
    """Write what wrk sends, and return the file."""
    file = folder / f"{wanted.kind.value}-{len(wanted.labels)}-{'own' if ordinary else 'gate'}"
    if not file.exists():
        file.write_text(rules.requests(wanted, ordinary=ordinary))
    return file


def send(file: Path, *, port: int, pid: int, seconds: int) -> Answered:
    """Send the requests of a file at random, as fast as possible."""
    command = (
        *("wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--timeout", "10s"),
        *("--duration", f"{seconds}s", "--script", str(load.SCRIPT)),
        *(f"http://127.0.0.1:{port}/", "--", str(file)),
    )
    answered = load.measure(command, pid)
    if answered.errors:
        raise BenchError(f"{answered.errors:.0f} requests of {file.name} failed at port {port}")
    return answered


@contextlib.contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    """Give a connection to a proxy, and close it."""
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", port, timeout=_LIMIT)
    ) as connection:
        yield connection


def ask(connection: http.client.HTTPConnection, lead: Lead) -> int:
    """Return the port of the backend that answers a request for a rule."""
    answer = _request(connection, lead, "GET")
    text = answer.read().decode(errors="replace")
    if answer.status != 200:
        raise BenchError(f"{lead.host}{lead.asked} answers {answer.status}: {text[:200]}")
    return int(text.split()[0])


def answers(port: int, lead: Lead) -> bool:
    """Return whether a proxy answers a request for a rule from its backend."""
    with connected(port) as connection, contextlib.suppress(OSError, http.client.HTTPException):
        # Ours holds no HEAD requests while it does not know the gate.
        return _request(connection, lead, "HEAD").status == 200
    return False


def _request(
    connection: http.client.HTTPConnection, lead: Lead, method: str
) -> http.client.HTTPResponse:
    headers = {"Host": lead.host, **({"X-Version": lead.version} if lead.version else {})}
    connection.request(method, lead.asked, headers=headers)
    return connection.getresponse()


def check(port: int, wanted: Rules, backends: Sequence[int]) -> None:
    """Raise BenchError unless requests for rules are answered by their labels."""
    with connected(port) as connection:
        for lead in rules.some(wanted, _CHECKED):
            found = ask(connection, lead)
            if found not in {backends[label] for label in lead.to}:
                raise BenchError(
                    f"{lead.host}{lead.asked} with version {lead.version} is answered by label"
                    f" {backends.index(found)}, not by one of {sorted(lead.to)}"
                )
