"""The results of the bench: tables for people, and a line for programs."""

import os
import re
import statistics
import subprocess
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from bench.harness.machine import Load
from bench.harness.page import describe_machine, table
from bench.proxy import rivals
from bench.proxy.held import COUNT, FEW, Held
from bench.proxy.load import Answered
from bench.proxy.rounds import GUARDED, OURS_LARGE, OURS_SMALL, SPREAD, Found

_SLOWER = (rivals.CADDY, rivals.TRAEFIK, rivals.CHP)
_RATES = {rivals.HAPROXY: 0.98, rivals.NGINX: 0.9, **dict.fromkeys(_SLOWER, 2.5)}
_FULL, _ONE, _UPLOAD, _MESSAGES = "64", "1", "upload", "messages"


class Outcome(NamedTuple):
    """The medians of the rounds, the seconds of changes by placements, held requests by hosts."""

    found: Found
    moves: Mapping[int, Sequence[float]]
    held: Mapping[int, Held]

    @property
    def held_kb(self) -> float:
        """KB of a held request with few hosts; with many, each also has a preview to start."""
        return self.held[FEW].kb


class Aim(NamedTuple):
    """An aim, and the result."""

    name: str
    aim: str
    found: str
    met: bool


def lines(outcome: Outcome) -> list[str]:
    """Return everything as Markdown tables."""
    return [
        *("Requests over 64 connections, 64 bytes each:", ""),
        *_requests(outcome.found),
        *("", "The same over one connection, and larger answers (4 KB over 64, 1 MB over 16):", ""),
        *_bodies(outcome.found),
        *("", "Uploads of 1 MB over 16 connections, read whole by the backend:", ""),
        *_uploads(outcome.found),
        *("", "Messages of 64 bytes over 64 WebSockets, each sent when the last came back:", ""),
        *_messages(outcome.found),
        *("", "From the write of a placement in ZooKeeper to the first answer by it:", ""),
        *_moves(outcome.moves),
        *("", f"One of {COUNT:,} requests that wait for their previews, and to let it go:", ""),
        *held(outcome.held),
        "",
        *table(
            ("aim", "", "found", ""),
            [(a.name, a.aim, a.found, "met" if a.met else "missed") for a in aims(outcome)],
        ),
    ]


def figures(outcome: Outcome) -> dict[str, object]:
    """Return the figures to compare runs; changes are those with the most placements."""
    full = {name: loads[_FULL] for name, loads in outcome.found.items()}
    large = [1000 * seconds for seconds in outcome.moves[max(outcome.moves)]]
    return {
        "rps": {name: round(found.rate) for name, found in full.items()},
        "p99_us": {name: round(found.p99_us) for name, found in full.items()},
        "propagation_ms_p50": round(statistics.median(large), 2),
        "propagation_ms_max": round(max(large), 2),
        "held_kb": round(outcome.held_kb, 2),
    }


def aims(outcome: Outcome) -> list[Aim]:
    """Return the aims with their results."""
    full = {name: loads[_FULL] for name, loads in outcome.found.items()}
    ours = full.get(OURS_LARGE, full[OURS_SMALL])
    found = []
    for name, aim in _RATES.items():
        if name in full:
            times = ours.rate / full[name].rate
            found.append(_at_least(f"requests/s against {name}", aim, times))
        if name in full and name in _SLOWER:
            times = ours.p99_us / full[name].p99_us
            found.append(_at_most(f"p99 against {name}", 1.0, times, ""))
    for placements, moves in outcome.moves.items():
        name = f"median change of {placements:,} placements"
        found.append(_at_most(name, 20, 1000 * statistics.median(moves), " ms"))
    return [*found, _at_most("a held request", 20, outcome.held_kb, " KB")]


def _at_least(name: str, aim: float, found: float) -> Aim:
    return Aim(name, f"at least {aim:g}", f"{found:.2f}", found >= aim)


def _at_most(name: str, aim: float, found: float, unit: str) -> Aim:
    return Aim(name, f"at most {aim:g}{unit}", f"{found:.2f}{unit}", found <= aim)


def _requests(found: Found) -> list[str]:
    static = found[rivals.HAPROXY][_FULL].rate
    rows = [(_shown(name), loads[_FULL]) for name, loads in found.items()]
    rows += [
        (f"{_shown(n)}, to all of them", f[SPREAD.name])
        for n, f in found.items()
        if SPREAD.name in f
    ]
    rows += [
        (f"{_shown(n)}, with a pass", f[GUARDED.name])
        for n, f in found.items()
        if GUARDED.name in f
    ]
    head = ("", "requests/s", "of HAProxy", "p50 ms", "p99 ms", "CPU us/request", "errors")
    return table(
        head,
        [
            (
                name,
                f"{a.rate:,.0f}",
                f"{a.rate / static:.2f}",
                f"{a.p50_us / 1000:.2f}",
                f"{a.p99_us / 1000:.2f}",
                _cpu(a),
                f"{a.errors:.0f}",
            )
            for name, a in rows
        ],
    )


def _bodies(found: Found) -> list[str]:
    head = ("", "1: p50 us", "p99 us", "4 KB: requests/s", "p50 ms", "p99 ms", "CPU us")
    more = ("1 MB: requests/s", "p50 ms", "p99 ms", "CPU us")
    return table(
        (*head, *more),
        [
            (
                _shown(name),
                f"{loads[_ONE].p50_us:.0f}",
                f"{loads[_ONE].p99_us:.0f}",
                *_body(loads["4k"]),
                *_body(loads["1m"]),
            )
            for name, loads in found.items()
        ],
    )


def _body(found: Answered) -> tuple[str, ...]:
    times = (f"{us / 1000:.2f}" for us in (found.p50_us, found.p99_us))
    return (f"{found.rate:,.0f}", *times, _cpu(found))


def _uploads(found: Found) -> list[str]:
    rows = [(_shown(name), *_body(loads[_UPLOAD])) for name, loads in found.items()]
    return table(("", "requests/s", "p50 ms", "p99 ms", "CPU us"), rows)


def _messages(found: Found) -> list[str]:
    rows = [(_shown(name), loads[_MESSAGES]) for name, loads in found.items()]
    cells = [(name, f"{a.rate:,.0f}", _cpu(a)) for name, a in rows]
    return table(("", "messages/s", "CPU us/message"), cells)


def _moves(moves: Mapping[int, Sequence[float]]) -> list[str]:
    rows = []
    for placements, seconds in moves.items():
        ms = sorted(1000 * each for each in seconds)
        rows.append(
            (
                f"{placements:,}",
                f"{statistics.median(ms):.1f}",
                f"{ms[len(ms) * 95 // 100]:.1f}",
                f"{ms[-1]:.1f}",
            )
        )
    return table(("placements", "median ms", "p95 ms", "worst ms"), rows)


def held(found: Mapping[int, Held]) -> list[str]:
    """Return the cost of held requests as a table, by the number of hosts."""
    rows = [
        (
            f"{hosts:,}",
            *(f"{kb:.1f}" for kb in (held.haproxy_kb, held.controller_kb, held.kb)),
            f"{held.cpu_us:.0f}",
            f"{held.seconds:.2f}",
        )
        for hosts, held in found.items()
    ]
    head = ("hosts", "KB of HAProxy", "KB of the controller", "KB", "CPU us", "until the last, s")
    return table(head, rows)


def _cpu(found: Answered) -> str:
    return f"{found.cpu_us:.1f}" if found.cpu_us else "-"


def _shown(name: str) -> str:
    return f"**{name}**" if name in (OURS_SMALL, OURS_LARGE) else name


def machine(path: str, load: Load, names: Collection[str]) -> list[str]:
    """Return lines about machine, date and versions; `load` is that before the bench.

    `names` are the proxies whose versions are listed.
    """
    commands = {n: rival.version for n, rival in rivals.RIVALS.items() if n in names}
    return [f"{describe_machine(load)}:", read_versions(commands, path)]


def read_versions(commands: Mapping[str, Sequence[str]], path: str) -> str:
    """Return a sentence with the version of each program, from the output of its command."""
    versions = (f"{n.split(',')[0]} {_version(one, path)}" for n, one in commands.items())
    return f"{', '.join(dict.fromkeys(versions))}."


def _version(command: Sequence[str], path: str) -> str:
    """Return the first version number in a program's output."""
    environ = {**os.environ, "PATH": f"{path}:/usr/sbin"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environ)
    found = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    return found[0] if found else "?"
