"""HAProxy's runtime API as text: commands for its map and counters, and their replies. Pure.

Source: management.txt 9.3 of HAProxy 3.0, "Unix Socket commands". A payload ends with an empty
line, and must fit HAProxy's buffer (16 kB) together with its command.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from proxy.model.usage import Count

LONGEST_PAYLOAD = 15_000

PROMPT = "prompt"
"""The command after which a connection accepts further commands."""

_VERSION = re.compile(r"New version created: (\d+)")
_PID = re.compile(r"^Pid: (\d+)$", re.MULTILINE)
_COUNT = re.compile(r"\S+ key=(\S+) .*\bexp=(\d+) .*\bconn_cur=(\d+) http_req_cnt=(\d+)$")
_VARIABLE = re.compile(r"value=<(\d+)>")
_VALUE = re.compile(r'found=yes.*\bvalue="([^"]*)"')


def get(path: str, key: str) -> str:
    """Return the command that looks up a key; `found_value` reads the reply."""
    return f"get map {path} {key}"


def found_value(reply: str) -> str | None:
    """Return the value in the reply to `get`, or None if there is none."""
    match = _VALUE.search(reply)
    return match.group(1) if match else None


def counts(*, only_open: bool = False) -> str:
    """Return the command that shows the counters by task; `read_counts` reads the reply."""
    return "show table seen" + (" data.conn_cur gt 0" if only_open else "")


def count_of(task_id: str) -> str:
    """Return the command that shows the counters of a task; `read_counts` reads the reply."""
    return f"show table seen key {task_id}"


def read_counts(lines: Iterable[str]) -> dict[str, Count]:
    """Return the counters by task, from lines of the reply to `counts`. Raises ValueError."""
    found = {}
    for line in lines:
        if match := _COUNT.match(line):
            task_id, left, opened, requests = match.groups()
            found[task_id] = Count(int(opened), int(requests), int(left))
        elif line and not line.startswith("# table: seen,"):
            raise ValueError(f"no count: {line[:200]!r}")
    return found


SHOW_INFO = "show info"
"""The command whose reply `answering_pid` and `has_clients` read."""

GET_REPLACED = "get var proc.replaced"
"""The command whose reply `replaced_at` reads."""


SHOW_FRONTENDS = "show stat -1 1 -1"
"""The command whose reply `retire` needs."""


def retire(now: int, frontends: str) -> tuple[str, ...]:
    """Return the commands by which a process accepts no connection, but keeps those it has.

    A stop (SIGUSR1) would close its runtime socket too. The time marks that all was done, and is
    set last: if a proxy is interrupted before, the next one does it again.
    """
    lines = [line.split(",") for line in frontends.splitlines()]
    names = [fields[0] for fields in lines if fields[1:2] == ["FRONTEND"]]
    shutdowns = [f"shutdown frontend {name}" for name in names]
    return "experimental-mode on", *shutdowns, f"set var proc.replaced int({now})"


def replaced_at(reply: str) -> int | None:
    """Return the time at which a process was retired, from the reply to GET_REPLACED."""
    match = _VARIABLE.search(reply)
    return int(match.group(1)) if match else None


def has_clients(reply: str) -> bool:
    """Return whether the process that replied to SHOW_INFO has clients left."""
    return "CurrConns: 0" not in reply.splitlines()


def answering_pid(reply: str) -> int | None:
    """Return the id of the process that replied to SHOW_INFO."""
    match = _PID.search(reply)
    return int(match.group(1)) if match else None


def add(path: str, entries: Mapping[str, str]) -> Iterator[str]:
    """Return the commands that add new keys. HAProxy would hide a second entry of a key."""
    for lines in _batches(f"{key} {value}" for key, value in entries.items()):
        yield f"add map {path} <<\n" + "\n".join(lines) + "\n"


def change(path: str, key: str, value: str) -> str:
    """Return the command that changes the value of a key that is there."""
    return f"set map {path} {key} {value}"


def remove(path: str, key: str) -> str:
    """Return the command that removes a key."""
    return f"del map {path} {key}"


def prepare(path: str) -> str:
    """Return the command that begins a new version of the map; `new_version` reads the reply."""
    return f"prepare map {path}"


def new_version(reply: str) -> int | None:
    """Return the version in the reply to `prepare`."""
    match = _VERSION.search(reply)
    return int(match.group(1)) if match else None


def fill(path: str, version: int, entries: Mapping[str, str]) -> Iterator[str]:
    """Return the commands that put `entries` into a version that was prepared."""
    return add(f"@{version} {path}", entries)


def commit(path: str, version: int) -> str:
    """Return the command that makes a prepared version the map, all of it at once."""
    return f"commit map @{version} {path}"


def map_file(entries: Mapping[str, str]) -> str:
    """Return the text of a map file."""
    return "".join(f"{key} {value}\n" for key, value in entries.items())


def read_map_file(text: str) -> dict[str, str]:
    """Return the entries of a map file that `map_file` made."""
    pairs = (line.split(" ", 1) for line in text.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def is_whole(reply: bytes) -> bool:
    """Return whether a reply, after PROMPT was sent, is complete."""
    return reply == b"> " or reply.endswith(b"\n> ")


def strip_prompts(reply: str) -> str:
    """Return a reply without the prompts around it ("+ " asks for more of a payload)."""
    text = reply.removesuffix("> ")
    while text.startswith("+ "):
        text = text.removeprefix("+ ")
    return text.strip()


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for line in lines:
        if batch and size + len(line) + 1 > LONGEST_PAYLOAD:
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield batch
