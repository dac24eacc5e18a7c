"""From the placements of all apps to where each host name leads. Pure.

What ends in HAProxy's map is made only here, from values that were checked: a bad one would make
HAProxy connect to itself.
"""

import dataclasses
import functools
import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prevs import names
from prevs.records import Placement, PlacementsRecord, RecordError
from proxy.model.trust import Node, Ports, Trust

TASK_AT = len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff|65535|")
"""Where the task begins in str() of a route: after the longest address and port."""

NEWER_DIGITS = 12
"""How many digits of a newer commit that has failed are in front of the task."""

HTTP2 = "h2"
"""The protocol of a placement that is spoken to in HTTP/2; all others in HTTP/1.1."""

HTTP2_MARK = "+"
"""What follows the port in str() of a route to one that speaks HTTP/2, where others have |."""


_NEWER = re.compile(rf"[0-9a-f]{{{NEWER_DIGITS}}}", re.ASCII)


class Route(NamedTuple):
    """Where a host name leads, and in which protocol it is spoken to.

    `newer` are digits of the newer commit that was to be there, and has failed; "" for none.
    """

    ip: str
    port: int
    task_id: str
    protocol: str = ""
    newer: str = ""

    def __str__(self) -> str:
        """Return the value in HAProxy's map, and in the answer to a held request.

        The task begins at TASK_AT in all of them: HAProxy cuts it out twice in each request, and
        looking for where it begins would take longer. What follows the port tells who speaks
        HTTP/2 alone: there is no room for a word. The newer commit is right in front of the task:
        but for the longest addresses of IPv6, there is room.
        """
        end = HTTP2_MARK if self.protocol == HTTP2 else "|"
        place = f"{self.ip}|{self.port}{end}"
        newer = self.newer if len(place) + len(self.newer) <= TASK_AT else ""
        return place.ljust(TASK_AT - len(newer), "|") + newer + self.task_id


Routes = Mapping[str, Route]
"""By host name, as names.host makes it."""


class Merged(Mapping[str, Route]):
    """The routes of all apps as one, of which `parts` has each app's.

    A part never changes. Two that share parts are compared without looking into these, so that a
    change costs by how much it changes, not by how much there is.
    """

    def __init__(self, parts: Mapping[str, Routes]) -> None:
        self.parts = parts

    def __getitem__(self, host: str) -> Route:
        """Return where a host leads. Raises KeyError."""
        return self.parts[names.app_of_host(host)][host]

    def __iter__(self) -> Iterator[str]:
        """Return all hosts, app by app."""
        return (host for part in self.parts.values() for host in part)

    def __len__(self) -> int:
        """Return how many hosts there are."""
        return sum(map(len, self.parts.values()))


@dataclasses.dataclass(frozen=True)
class AppRoutes:
    """What was learned of one app: the last node that was looked at, the last one that was good.

    `version` is that of the good one, None where there was none yet. `problems` says what is wrong
    with the one that was looked at, when previews were at `ports`.
    """

    seen: int
    version: int | None
    routes: Routes
    problems: tuple[str, ...] = ()
    ports: Ports = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def tasks(self) -> frozenset[str]:
        """The tasks that the routes lead to."""
        return frozenset(route.task_id for route in self.routes.values())


_NOTHING = AppRoutes(-1, None, {})


class Learned(NamedTuple):
    """All apps, and what is wrong with what was new (app, and what)."""

    apps: Mapping[str, AppRoutes]
    problems: tuple[tuple[str, str], ...] = ()


class Changes(NamedTuple):
    """The difference between two Routes."""

    adds: Routes
    changes: Routes
    removes: frozenset[str]

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.adds or self.changes or self.removes)

    def __len__(self) -> int:
        """Return how many hosts are concerned."""
        return len(self.adds) + len(self.changes) + len(self.removes)


def learn(
    known: Mapping[str, AppRoutes], nodes: Mapping[str, Node], domain: str, trust: Trust
) -> Learned:
    """Return what is known after reading `nodes`, the znodes of all apps.

    A record that is none leaves its app as it was; a placement that cannot be routed to, or is not
    to be trusted, is left out. An app without a node has no routes.
    """
    apps: dict[str, AppRoutes] = {}
    problems: list[tuple[str, str]] = []
    for app, node in nodes.items():
        before = known.get(app, _NOTHING)
        if before.seen == node.written and before.ports is trust.ports:
            apps[app] = before
            continue
        apps[app] = after = _learn_app(app, node, before, domain=domain, trust=trust)
        problems.extend((app, one) for one in after.problems if one not in before.problems)
    return Learned(apps, tuple(problems))


def _learn_app(app: str, node: Node, before: AppRoutes, *, domain: str, trust: Trust) -> AppRoutes:
    try:
        routes, problems = read(app, node.data, domain, trust)
    except RecordError as error:
        return dataclasses.replace(
            before, seen=node.written, problems=(str(error),), ports=trust.ports
        )
    # The same routes are the same object: that is how `diff` knows what to look at.
    same = before.routes if before.routes == routes else routes
    return AppRoutes(node.written, node.version, same, tuple(problems), trust.ports)


def read(app: str, data: bytes, domain: str, trust: Trust) -> tuple[Routes, list[str]]:
    """Return the routes in an app's PlacementsRecord, and what is wrong with placements left out.

    Raises RecordError.
    """
    record = PlacementsRecord.decode(data)
    if record.app != app:
        raise RecordError("PlacementsRecord", f"it is of the app {record.app!r}")
    routes: dict[str, Route] = {}
    problems = []
    for sha in sorted(record.placements):
        placement, signature = record.placements[sha], record.signatures.get(sha, "")
        problem = _problem(app, sha, placement)
        problem = problem or trust.find_problem(app, sha, placement, signature)
        if problem is not None:
            problems.append(f"the placement of {sha}: {problem}")
            continue
        ip = str(ipaddress.ip_address(placement.host))
        route = Route(ip, placement.port, placement.task_id, placement.protocol)
        for label in placement.labels:
            newer = _newer(record.failed.get(label, ""))
            there = route._replace(newer=newer) if newer else route
            routes.update(dict.fromkeys(names.hosts(label, app, domain), there))
    return routes, problems


def _newer(sha: str) -> str:
    """Return the digits of a commit that are told. It is not signed: none of what is no commit."""
    return sha[:NEWER_DIGITS] if names.is_sha(sha) else ""


def merge(apps: Mapping[str, AppRoutes]) -> Routes:
    """Return the routes of all apps."""
    return Merged({name: app.routes for name, app in apps.items()})


def parts(routes: Routes) -> Mapping[str, Routes]:
    """Return the parts that never change of which `routes` is made."""
    return routes.parts if isinstance(routes, Merged) else {"": routes}


def is_routed(apps: Mapping[str, AppRoutes], task_id: str) -> bool:
    """Tell whether a placement leads to a task."""
    task = names.read_task_id(task_id)
    app = apps.get(task.app) if task else None
    return app is not None and task_id in app.tasks


def versions(apps: Mapping[str, AppRoutes]) -> dict[str, int]:
    """Return, for each app, the version of the placements that `merge` returns."""
    return {name: app.version for name, app in apps.items() if app.version is not None}


def diff(actual: Routes, wanted: Routes) -> Changes:
    """Return what makes `wanted` of `actual`."""
    before, after = parts(actual), parts(wanted)
    differing = [n for n in before.keys() | after.keys() if before.get(n) is not after.get(n)]
    old = {host: route for name in differing for host, route in before.get(name, {}).items()}
    new = {host: route for name in differing for host, route in after.get(name, {}).items()}
    return Changes(
        adds={host: route for host, route in new.items() if host not in old},
        changes={host: route for host, route in new.items() if old.get(host, route) != route},
        removes=frozenset(old.keys() - new.keys()),
    )


def parse(text: str) -> Route | None:
    """Return the route that str() made `text` of, or None if it is none."""
    newer = text[TASK_AT - NEWER_DIGITS : TASK_AT]
    newer = newer if _NEWER.fullmatch(newer) else ""
    ip, _, rest = text[: TASK_AT - len(newer)].partition("|")
    port = rest.rstrip("|")
    protocol = HTTP2 if port.endswith(HTTP2_MARK) else ""
    port = port.removesuffix(HTTP2_MARK)
    if not port.isdecimal() or _no_address(ip):
        return None
    route = Route(ip, int(port), text[TASK_AT:], protocol, newer)
    return route if str(route) == text else None


def _problem(app: str, sha: str, placement: Placement) -> str | None:
    task = names.read_task_id(placement.task_id)
    if task is None or (task.app, task.sha) != (app, sha):
        return f"{placement.task_id!r} is no task of it"
    if problem := _no_address(placement.host):
        return problem
    if not 1 <= placement.port <= 65535:
        return f"{placement.port} is no port"
    if placement.protocol not in ("", HTTP2):
        return f"{placement.protocol!r} is no protocol that a proxy speaks"
    for label in placement.labels:
        if not names.is_label(label):
            return f"{label!r} is no DNS label"
    return None


def _no_address(host: str) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"{host!r} is no IP address"
    if address.is_unspecified or address.is_multicast or "%" in host:
        return f"{host!r} is no address of an agent"
    return None
