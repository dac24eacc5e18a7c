"""Which services of a compose file run, and which of them is the application. Pure."""

from collections.abc import Mapping, Sequence

from framework.apps.compose.amounts import DATABASE_PORTS
from framework.apps.compose.service import Service


def choose(services: Sequence[Service], wanted: str) -> list[Service]:
    """Return those that run: without a profile, or wanted, or depended on by one that runs."""
    known = {one.name: one for one in services}
    running = {one.name for one in services if not one.profiles or one.name == wanted}
    waiting = list(running)
    while waiting:
        for one in known[waiting.pop()].after:
            if one.name in known and one.name not in running:
                running.add(one.name)
                waiting.append(one.name)
    return [one for one in services if one.name in running]


def visitors_port(service: Service) -> int:
    """Return the port that a service publishes for visitors; 0 if it has none."""
    published = [port for port, (_, is_published) in service.ports.items() if is_published]
    return next((port for port in published if port not in DATABASE_PORTS), 0)


def find_application(services: Sequence[Service]) -> Service | None:
    """Return the service that visitors most likely mean; None if there are no services.

    It publishes a port, is built of the repository or leads to what is, and no other one that
    publishes a port depends on it, as a reverse proxy does. Of equal ones the first counts.
    """
    known = {one.name: one for one in services}
    behind = {dependency.name for one in services if visitors_port(one) for dependency in one.after}
    ends = {dependency.name for one in services for dependency in one.after if dependency.ends}
    ranked = sorted(
        services,
        key=lambda one: (
            one.name in ends,
            not visitors_port(one),
            not _is_own(one, known),
            one.name in behind,
            not one.ports,
        ),
    )
    return ranked[0] if ranked else None


def _is_own(service: Service, known: Mapping[str, Service]) -> bool:
    """Return whether a service is built of the repository, or depends on one that is."""
    return "build" in service.nodes or any(
        "build" in known[one.name].nodes for one in service.after if one.name in known
    )
