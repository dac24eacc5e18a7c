"""What does not go together in a file with companions, whatever else is wrong in it. Pure."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from framework.apps.manifest.lines import Path
from framework.apps.manifest.rules import Bounds
from prevs.companions import Companion

_HOME = "companions"
_HUGE = 1e9

Problem = tuple[Path, str]
"""Where a problem is, and the rest of a sentence that begins with that key."""


def find_problems(
    parsed: Mapping[str, Any], bounds: Bounds, *, apart: bool = False
) -> Iterator[Problem]:
    """Yield the problems between the keys of a parsed file.

    Containers that are `apart` may listen at one port, as each has a network address. The values
    may be of any type: what is not as it should be is left to the keys' own rules.
    """
    tables = {name: one for name, one in _table(parsed, _HOME).items() if isinstance(one, dict)}
    after = {name: _texts(table.get("after")) for name, table in tables.items()}
    yield from _unknown(after, list(_table(parsed, _HOME)))
    yield from _circles(after)
    if not apart:
        yield from _ports(tables, int(_number(parsed.get("port"), bounds.port)))
    if tables:
        yield from _sums(parsed, tables, bounds)
    if parsed.get("stay") is True and not any(map(_has_volumes, (parsed, *tables.values()))):
        yield ("stay",), "is only for a preview with volumes; leave it out, or set volumes"


def order_starts(companions: Iterable[Companion]) -> tuple[Companion, ...]:
    """Return companions so that each comes after those that it waits for, else as in the file."""
    waiting = list(companions)
    ordered: dict[str, Companion] = {}
    while waiting:
        # Without a circle there is always one whose companions have come.
        following = next(one for one in waiting if all(name in ordered for name in one.after))
        ordered[following.name] = following
        waiting.remove(following)
    return tuple(ordered.values())


def _unknown(after: Mapping[str, Sequence[str]], known: Sequence[str]) -> Iterator[Problem]:
    for name, wanted in after.items():
        others = [other for other in known if other != name]
        for at, one in enumerate(wanted):
            if one not in known:
                near = difflib.get_close_matches(one.lower(), others, n=1)
                meant = f"; did you mean {near[0]}?" if near else _list_others(others)
                yield (_HOME, name, "after", at), f"is not the name of a companion{meant}"


def _list_others(others: Sequence[str]) -> str:
    return f"; there are {', '.join(others)}" if others else ": there is no other one"


def _circles(after: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Yield one problem for each circle of companions that wait for each other."""
    told: set[str] = set()
    for name in after:
        circle = _find_circle(name, after)
        if circle and told.isdisjoint(circle):
            told.update(circle)
            way = ", which starts after ".join((*circle[1:], name))
            yield (_HOME, name, "after"), f"makes a circle: {name} starts after {way}"


def _find_circle(start: str, after: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the companions on a way from one back to itself; none if there is no such way."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        for following in after.get(way[-1], ()):
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append((*way, following))
    return ()


def _ports(tables: Mapping[str, Mapping[str, Any]], app_port: int) -> Iterator[Problem]:
    """Yield the ports at which two would listen: all containers share one network."""
    taken = {app_port: "the application"}
    for name, table in tables.items():
        for port, (key, does) in _list_ports(table).items():
            if port in taken:
                why = (
                    f"{does} port {port}, at which {taken[port]} listens: all containers share one "
                    "network, so let it listen at another port"
                )
                yield (_HOME, name, key), why
            taken.setdefault(port, f"{_HOME}.{name}")


def _list_ports(table: Mapping[str, Any]) -> Mapping[int, tuple[str, str]]:
    """Return the ports at which a companion listens, each with the first key that says so."""
    found = {"ready": _table(table, "ready").get("port"), "port": table.get("port")}
    does = {"ready": "waits for", "port": "is"}
    ports: dict[int, tuple[str, str]] = {}
    for key, port in found.items():
        if type(port) is int:
            ports.setdefault(port, (key, does[key]))
    return ports


def _sums(
    parsed: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], bounds: Bounds
) -> Iterator[Problem]:
    """Yield what all containers take together, if it is more than the app allows."""
    own = _table(parsed, "resources")
    cpus = [_number(own.get("cpus"), bounds.own_cpus)]
    cpus += [_number(table.get("cpus"), Companion.cpus) for table in tables.values()]
    mem = [_number(own.get("mem"), bounds.own_mem)]
    mem += [_number(table.get("mem"), Companion.mem) for table in tables.values()]
    beyond = [
        (round(sum(amounts), 3), most, what, key)
        for amounts, most, what, key in (
            (cpus, bounds.cpus, "CPUs", "cpus"),
            (mem, bounds.mem, "MB", "mem"),
        )
        # A single one that is too large is a mistake of its own.
        if round(sum(amounts), 3) > most >= max(amounts)
    ]
    if beyond:
        taken = " and ".join(f"{total:g} {what}" for total, _, what, _ in beyond)
        allowed = " and ".join(f"{most:g}" for _, most, _, _ in beyond)
        options = " ".join(f"--max-{key} {total:g}" for total, _, _, key in beyond)
        yield (
            (_HOME,),
            f"and the application take {taken} together; this app's commits may have at most "
            f"{allowed}: ask an admin to raise that (prevs app set {bounds.app} {options})",
        )


def _has_volumes(table: Mapping[str, Any]) -> bool:
    return bool(table.get("volumes"))


def _table(parsed: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = parsed.get(key)
    return found if isinstance(found, dict) else {}


def _texts(value: object) -> Sequence[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _number(value: object, default: float) -> float:
    """Return a number of the file, or the default if it has none there that may be."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return default
    return value if -_HUGE < value < _HUGE else default  # not for infinity, nor for no number
