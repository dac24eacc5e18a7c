"""Which services of a compose file run, and which of them is the application. Pure."""

from collections.abc import Collection, Mapping, Sequence

from framework.apps.compose.amounts import DATABASE_PORTS
from framework.apps.compose.images import finds_services, is_database
from framework.apps.compose.service import Service

_ALL = "*"


def choose(services: Sequence[Service], asked: Collection[str], wanted: str) -> list[Service]:
    """Return those that run: with no profile or one that is asked for, and what they wait for.

    The service that is `wanted` runs all the same, with all that it may wait for. What the file
    itself switches off does not, and no proxy that would ask the agent's Docker.
    """
    known = {one.name: one for one in services if not (one.is_off or is_left_out(one, wanted))}
    running = {one.name for one in known.values() if is_asked_for(one, asked)}
    main = next((one for one in services if one.name == wanted), None)
    if main is not None:
        known[main.name] = main
        running |= {main.name, *(one.name for one in main.after if one.name in known)}
    waiting = list(running)
    while waiting:
        for one in known[waiting.pop()].after:
            if one.must and one.name in known and one.name not in running:
                running.add(one.name)
                waiting.append(one.name)
    return [one for one in services if one.name in running]


def is_asked_for(service: Service, asked: Collection[str]) -> bool:
    """Return whether a service runs by the profiles that are asked for."""
    return not service.profiles or _ALL in asked or bool({*service.profiles} & {*asked})


def is_left_out(service: Service, wanted: str) -> bool:
    """Return whether a service would lead visitors by what the agent's Docker says: prevs does."""
    is_proxy = service.asks_docker and finds_services(service.image or "")
    return is_proxy and service.name != wanted


def visitors_port(service: Service) -> int:
    """Return the port that a service publishes for visitors; 0 if it has none."""
    if _is_database(service):
        return 0
    published = [port for port, (_, is_published) in service.ports.items() if is_published]
    return next((port for port in published if port not in DATABASE_PORTS), 0)


def find_application(services: Sequence[Service]) -> Service | None:
    """Return the service that visitors most likely mean; None if there are databases alone.

    It publishes a port, is built of the repository or leads to what is, and no other one that
    publishes a port depends on it, as a reverse proxy does. Of equal ones the first counts.
    """
    known = {one.name: one for one in services}
    behind = {dependency.name for one in services if visitors_port(one) for dependency in one.after}
    ends = {dependency.name for one in services for dependency in one.after if dependency.ends}
    ranked = sorted(
        (one for one in services if not _is_database(one)),
        key=lambda one: (
            one.name in ends,
            not visitors_port(one),
            not _is_own(one, known),
            one.name in behind,
            not one.ports,
        ),
    )
    return ranked[0] if ranked else None


def find_behind_profile(services: Sequence[Service]) -> Service | None:
    """Return the service with a profile that visitors most likely mean; None if none has a page."""
    found = find_application([one for one in services if one.profiles and not one.is_off])
    return found if found is not None and visitors_port(found) else None


def _is_database(service: Service) -> bool:
    return "build" not in service.nodes and is_database(service.image or "")


def _is_own(service: Service, known: Mapping[str, Service]) -> bool:
    """Return whether a service is built of the repository, or depends on one that is."""
    return "build" in service.nodes or any(
        "build" in known[one.name].nodes for one in service.after if one.name in known
    )
