"""Turns the placements of all apps into the routes of host names. Pure.

Only this module makes values for HAProxy's map, from checked placements: a bad value would make
HAProxy connect to itself.
"""

import dataclasses
import functools
import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from prevs import names
from prevs.records import Placement, PlacementsRecord, RecordError
from proxy.model.trust import Node, Ports, Trust

TASK_AT = len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff|65535|")
"""Where the task id begins in str() of a route: after the longest address and port."""

NEWER_DIGITS = 12
"""How many digits of a newer, failed commit stand in front of the task id."""

HTTP2 = "h2"
"""The protocol of a placement that gets HTTP/2; all others get HTTP/1.1."""

HTTP2_MARK = "+"
"""Follows the port in str() of a route with HTTP/2; most routes have | there."""

SERVICE_MARK = "~"
"""Follows the port in str() of a route to a service."""


_NEWER = re.compile(rf"[0-9a-f]{{{NEWER_DIGITS}}}", re.ASCII)


class Route(NamedTuple):
    """Where a host name leads, and by which protocol.

    `newer` has digits of a newer commit that should be there, but has failed; "" for none. A
    `service` of a preview is one of its companions: what it refuses says nothing of the preview.
    """

    ip: str
    port: int
    task_id: str
    protocol: str = ""
    newer: str = ""
    service: bool = False

    @property
    def place(self) -> tuple[str, int]:
        """The task, and its port that this leads to."""
        return self.task_id, self.port

    def __str__(self) -> str:
        """Return the value in HAProxy's map, and in the answer to a held request.

        The task id always begins at TASK_AT: HAProxy cuts it out twice in each request, and a
        search for its beginning would take longer. The character behind the port marks HTTP/2 or
        a service, as a word would not fit. The newer commit stands right in front of the task id;
        it fits unless the IPv6 address is one of the longest.
        """
        end = HTTP2_MARK if self.protocol == HTTP2 else "|"
        end = SERVICE_MARK if self.service else end
        place = f"{self.ip}|{self.port}{end}"
        newer = self.newer if len(place) + len(self.newer) <= TASK_AT else ""
        return place.ljust(TASK_AT - len(newer), "|") + newer + self.task_id


Routes = Mapping[str, Route]
"""Routes by host name, as names.host makes it."""
V = TypeVar("V")


class Parts(Mapping[str, V]):
    """Some mappings as one, which have no key in common; `parts` has each of them.

    A part never changes. A comparison skips the parts that two such mappings share, so its cost
    depends on the size of the change, not on the number of keys.
    """

    def __init__(self, parts: Mapping[str, Mapping[str, V]]) -> None:
        self.parts = parts

    def __getitem__(self, key: str) -> V:
        """Return the value of a key, looked for in all parts."""
        for part in self.parts.values():
            if key in part:
                return part[key]
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        """Yield all keys, part by part."""
        return (key for part in self.parts.values() for key in part)

    def __len__(self) -> int:
        """Return the number of keys."""
        return sum(map(len, self.parts.values()))


class Merged(Parts[V]):
    """The routes of all apps as one mapping; `parts` has those of each app."""

    def __getitem__(self, host: str) -> V:
        """Return the route of a host."""
        return self.parts[names.app_of_host(host)][host]


@dataclasses.dataclass(frozen=True)
class AppRoutes:
    """What is known about one app from its last node, and from the last good one.

    `seen` is the last node's `written`. `version` and `routes` are of the last good node; `version`
    is None if there was none. `problems` are those of the last node, checked against `ports`.
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
    """What is known about all apps, and the new problems as pairs (app, problem)."""

    apps: Mapping[str, AppRoutes]
    problems: tuple[tuple[str, str], ...] = ()


class Difference(NamedTuple, Generic[V]):
    """The difference between two mappings."""

    adds: Mapping[str, V]
    changes: Mapping[str, V]
    removes: frozenset[str]

    def __bool__(self) -> bool:
        """Return whether there is any change."""
        return bool(self.adds or self.changes or self.removes)

    def __len__(self) -> int:
        """Return the number of changed keys."""
        return len(self.adds) + len(self.changes) + len(self.removes)


Changes = Difference[Route]
"""The difference between two Routes."""


def learn(
    known: Mapping[str, AppRoutes], nodes: Mapping[str, Node], domain: str, trust: Trust
) -> Learned:
    """Return what is known after reading `nodes`, the znodes of all apps.

    A node that is not a valid record leaves its app's routes as they were. A placement that is
    wrong or not trusted gets no route. An app without a node has no routes.
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
    # Equal routes stay the same object: by that `diff` finds the parts that changed.
    same = before.routes if before.routes == routes else routes
    return AppRoutes(node.written, node.version, same, tuple(problems), trust.ports)


def read(app: str, data: bytes, domain: str, trust: Trust) -> tuple[Routes, list[str]]:
    """Return the routes in an app's PlacementsRecord, and the problems of ignored placements.

    Raises RecordError.
    """
    record = PlacementsRecord.decode(data)
    if record.app != app:
        raise RecordError("PlacementsRecord", f"it belongs to the app {record.app!r}")
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
        for label, port in placement.services.items():
            newer = _newer(record.failed.get(label, ""))
            there = Route(ip, port, placement.task_id, newer=newer, service=True)
            routes.setdefault(names.host(label, app, domain), there)
    return routes, problems


def _newer(sha: str) -> str:
    """Return the first digits of a commit; "" if it is not one, for this field is not signed."""
    return sha[:NEWER_DIGITS] if names.is_sha(sha) else ""


def merge(apps: Mapping[str, AppRoutes]) -> Routes:
    """Return the routes of all apps."""
    return Merged({name: app.routes for name, app in apps.items()})


def group(flat: Routes) -> Merged[Route]:
    """Return routes as parts by app."""
    found: dict[str, dict[str, Route]] = {}
    for host, route in flat.items():
        found.setdefault(names.app_of_host(host), {})[host] = route
    return Merged(found)


def split(routes: Routes, apps: Collection[str]) -> tuple[Merged[Route], Merged[Route]]:
    """Return the routes without some apps' routes, and the routes of these apps."""
    found = parts(routes if isinstance(routes, Merged) else group(routes))
    others = {name: part for name, part in found.items() if name not in apps}
    return Merged(others), Merged({name: found[name] for name in found.keys() - others.keys()})


def parts(routes: Mapping[str, V]) -> Mapping[str, Mapping[str, V]]:
    """Return the immutable parts that `routes` consists of."""
    return routes.parts if isinstance(routes, Parts) else {"": routes}


def is_routed(apps: Mapping[str, AppRoutes], task_id: str) -> bool:
    """Return whether a placement leads to a task."""
    task = names.read_task_id(task_id)
    app = apps.get(task.app) if task else None
    return app is not None and task_id in app.tasks


def versions(apps: Mapping[str, AppRoutes]) -> dict[str, int]:
    """Return the version of each app's placements in the routes that `merge` returns."""
    return {name: app.version for name, app in apps.items() if app.version is not None}


def diff(actual: Mapping[str, V], wanted: Mapping[str, V]) -> Difference[V]:
    """Return the changes that turn `actual` into `wanted`."""
    before, after = parts(actual), parts(wanted)
    differing = [n for n in before.keys() | after.keys() if before.get(n) is not after.get(n)]
    old = {host: route for name in differing for host, route in before.get(name, {}).items()}
    new = {host: route for name in differing for host, route in after.get(name, {}).items()}
    return Difference(
        adds={host: route for host, route in new.items() if host not in old},
        changes={host: route for host, route in new.items() if old.get(host, route) != route},
        removes=frozenset(old.keys() - new.keys()),
    )


def parse(text: str) -> Route | None:
    """Return the route whose str() is `text`, or None if there is none."""
    newer = text[TASK_AT - NEWER_DIGITS : TASK_AT]
    newer = newer if _NEWER.fullmatch(newer) else ""
    ip, _, rest = text[: TASK_AT - len(newer)].partition("|")
    port = rest.rstrip("|")
    protocol, service = HTTP2 if port.endswith(HTTP2_MARK) else "", port.endswith(SERVICE_MARK)
    port = port.removesuffix(HTTP2_MARK if protocol else SERVICE_MARK)
    if not port.isdecimal() or _no_address(ip):
        return None
    route = Route(ip, int(port), text[TASK_AT:], protocol, newer, service)
    return route if str(route) == text else None


def _problem(app: str, sha: str, placement: Placement) -> str | None:
    task = names.read_task_id(placement.task_id)
    if task is None or (task.app, task.sha) != (app, sha):
        return f"{placement.task_id!r} is not a task of this commit"
    if problem := _no_address(placement.host):
        return problem
    for port in placement.ports:
        if not 1 <= port <= 65535:
            return f"{port} is not a port"
    if placement.protocol not in ("", HTTP2):
        return f"{placement.protocol!r} is not a protocol that proxies speak"
    for label in (*placement.labels, *placement.services):
        if not names.is_label(label):
            return f"{label!r} is not a DNS label"
    return None


def _no_address(host: str) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"{host!r} is not an IP address"
    if address.is_unspecified or address.is_multicast or "%" in host:
        return f"{host!r} is not the address of an agent"
    return None
