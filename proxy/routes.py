"""From the placements of all apps to where each host name leads. Pure.

What ends in HAProxy's map is made only here, from values that were checked: a bad one would make
HAProxy connect to itself.
"""

import ipaddress
from collections.abc import Mapping
from typing import NamedTuple

from prevs import names
from prevs.records import Placement, PlacementsRecord, RecordError


class Route(NamedTuple):
    """Where a host name leads."""

    ip: str
    port: int
    task_id: str

    def __str__(self) -> str:
        """Return the value in HAProxy's map, and in the answer to a held request."""
        return f"{self.ip}|{self.port}|{self.task_id}"


Routes = Mapping[str, Route]
"""By host name, as names.host makes it."""


class Node(NamedTuple):
    """An app's placements as ZooKeeper has them. `written` (its mzxid) is unique to each write."""

    data: bytes
    version: int
    written: int


class AppRoutes(NamedTuple):
    """What was learned of one app: the last node that was looked at, the last one that was good.

    `version` is that of the good one, None where there was none yet.
    """

    seen: int
    version: int | None
    routes: Routes


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


def learn(known: Mapping[str, AppRoutes], nodes: Mapping[str, Node], domain: str) -> Learned:
    """Return what is known after reading `nodes`, the znodes of all apps.

    A record that is none leaves its app as it was; a placement that cannot be routed to is left
    out. An app without a node has no routes.
    """
    apps: dict[str, AppRoutes] = {}
    problems: list[tuple[str, str]] = []
    for app, node in nodes.items():
        before = known.get(app)
        if before is not None and before.seen == node.written:
            apps[app] = before
            continue
        try:
            routes, unusable = read(app, node.data, domain)
        except RecordError as error:
            problems.append((app, str(error)))
            apps[app] = AppRoutes(
                node.written, before.version if before else None, before.routes if before else {}
            )
        else:
            problems.extend((app, problem) for problem in unusable)
            apps[app] = AppRoutes(node.written, node.version, routes)
    return Learned(apps, tuple(problems))


def read(app: str, data: bytes, domain: str) -> tuple[Routes, list[str]]:
    """Return the routes in an app's PlacementsRecord, and what is wrong with placements left out.

    Raises RecordError.
    """
    record = PlacementsRecord.decode(data)
    if record.app != app:
        raise RecordError("PlacementsRecord", f"it is of the app {record.app!r}")
    routes: dict[str, Route] = {}
    problems = []
    for sha in sorted(record.placements):
        placement = record.placements[sha]
        problem = _problem(app, sha, placement)
        if problem is not None:
            problems.append(f"the placement of {sha}: {problem}")
            continue
        route = Route(str(ipaddress.ip_address(placement.host)), placement.port, placement.task_id)
        routes.update({names.host(label, app, domain): route for label in placement.labels})
    return routes, problems


def merge(apps: Mapping[str, AppRoutes]) -> Routes:
    """Return the routes of all apps."""
    return {host: route for app in apps.values() for host, route in app.routes.items()}


def versions(apps: Mapping[str, AppRoutes]) -> dict[str, int]:
    """Return, for each app, the version of the placements that `merge` returns."""
    return {name: app.version for name, app in apps.items() if app.version is not None}


def diff(actual: Routes, wanted: Routes) -> Changes:
    """Return what makes `wanted` of `actual`."""
    return Changes(
        adds={host: route for host, route in wanted.items() if host not in actual},
        changes={
            host: route
            for host, route in wanted.items()
            if host in actual and actual[host] != route
        },
        removes=frozenset(actual.keys() - wanted.keys()),
    )


def parse(text: str) -> Route | None:
    """Return the route that str() made `text` of, or None if it is none."""
    parts = text.split("|")
    if len(parts) != 3 or not parts[1].isdecimal() or _no_address(parts[0]):
        return None
    return Route(parts[0], int(parts[1]), parts[2])


def _problem(app: str, sha: str, placement: Placement) -> str | None:
    task = names.read_task_id(placement.task_id)
    if task is None or (task.app, task.sha) != (app, sha):
        return f"{placement.task_id!r} is no task of it"
    if problem := _no_address(placement.host):
        return problem
    if not 1 <= placement.port <= 65535:
        return f"{placement.port} is no port"
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
