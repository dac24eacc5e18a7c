"""The containers of companions, and what they share with that of the application. Pure.

All containers of an attempt have one network namespace, as in a pod. The first companion owns it:
it publishes the ports of all, and its hosts file has their names. It starts before all
others and ends after them. docker lets a container that joins publish nothing and name no hosts.
If they are apart, each has an address of its own in the attempt's network, as in compose: Docker's
nameserver tells their names, and each publishes its port itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from executor.attempt.attempt import (
    STRANGER,
    Attempt,
    app_names,
    companion_volumes,
    container_spec,
    environment,
    has_addresses,
    identity,
    image_labels,
    is_apart,
    service_ports,
)
from executor.ports import ContainerSpec, PublishedPort, Volume
from prevs import names
from prevs.companions import Companion

LABEL = "prevs.companion"
"""The label with the name of a companion."""


def companion_spec(
    attempt: Attempt, companion: Companion, image: str, volumes: Sequence[Volume]
) -> ContainerSpec:
    """Return the container of a companion with its image on the agent."""
    preview = container_spec(attempt)
    apart = is_apart(attempt.order)
    owns = not apart and companion.name == owner(attempt).name
    return ContainerSpec(
        name=name(attempt, companion),
        image=image,
        cpus=companion.cpus,
        mem=companion.mem,
        environment=_environment(attempt, companion),
        labels={**preview.labels, LABEL: companion.name},
        ports=_ports(attempt, companion),
        command=companion.command,
        read_only=companion.read_only,
        volumes={volume.path: volume.name for volume in volumes},
        hosts=_hosts(attempt) if owns else (),
        joins="" if owns or apart else owner_name(attempt),
        aliases=(companion.name, *companion.container.names) if apart else (),
        gates=preview.gates if owns or apart else (),
        own=companion.container,
    )


def image_of(attempt: Attempt, companion: Companion) -> Attempt:
    """Return the attempt with the image that is built for a companion: its own if it is the same.

    One whose `build` differs in nothing but the stage shares the build of the application.
    """
    build, app = companion.build, attempt.order.build
    if build is None:
        same, target = True, companion.target
    else:
        same, target = dataclasses.replace(build, target=app.target) == app, build.target
    if not same or attempt.order.run.image:
        return attempt._replace(build=build, whose=companion.name)
    return attempt._replace(stage=target) if target and target != app.target else attempt


def joined(attempt: Attempt, spec: ContainerSpec) -> ContainerSpec:
    """Return the application's container, or a hook's, in the network of the companions."""
    if is_apart(attempt.order):
        return spec
    return dataclasses.replace(spec, ports=(), joins=owner_name(attempt), gates=())


def beside(attempt: Attempt, preview: str, spec: ContainerSpec) -> ContainerSpec:
    """Return a job's container in the network of a preview that runs, by the preview's task."""
    return dataclasses.replace(spec, ports=(), joins=owner_of(attempt, preview), gates=())


def owner_of(attempt: Attempt, preview: str) -> str:
    """Return the container whose network a job beside a preview joins, by the preview's task.

    If all share one, its owner; if they are apart, the application, to which all names are known.
    """
    if has_addresses(attempt.order.run):
        return names.container_name(preview)
    return names.container_name(preview, owner(attempt).name)


def labels_of(attempt: Attempt, preview: str) -> Mapping[str, str]:
    """Return the labels of a preview's containers that a job of this attempt may be beside.

    "" stands for a label that they do not have.
    """
    return {STRANGER: "", **image_labels(attempt), "prevs.task": preview}


def name(attempt: Attempt, companion: Companion) -> str:
    """Return the name of a companion's container."""
    return names.container_name(attempt.task_id, companion.name)


def owner(attempt: Attempt) -> Companion:
    """Return the companion whose network all have: the first one."""
    return attempt.order.run.companions[0]


def owner_name(attempt: Attempt) -> str:
    """Return the name of the container whose network all have."""
    return name(attempt, owner(attempt))


def volume_owner(attempt: Attempt, companion: Companion) -> str:
    """Return the name under which a companion's volumes are."""
    return companion_volumes(attempt.order, companion.name)


def _ports(attempt: Attempt, companion: Companion) -> Sequence[PublishedPort]:
    """Return the ports that a companion publishes: its own, or as the owner those of all."""
    order = attempt.order
    if is_apart(order):
        return service_ports(order, companion)
    if companion.name != owner(attempt).name:
        return ()
    others = (port for one in order.run.companions for port in service_ports(order, one))
    return (*container_spec(attempt).ports, *others)


def _hosts(attempt: Attempt) -> Sequence[str]:
    """Return all names of all containers: each leads to the one network that they share."""
    run = attempt.order.run
    others = (name for one in run.companions for name in (one.name, *one.container.names))
    return tuple(dict.fromkeys((*app_names(attempt.order), *others)))


def _environment(attempt: Attempt, companion: Companion) -> Mapping[str, str]:
    """Return the variables of a companion: the app's own only for code of the commit itself."""
    order = attempt.order
    if companion.image:
        return {**companion.environment, **identity(order)}
    shared = dict(environment(order))
    del shared["PORT"]  # the application's
    return {**shared, **companion.environment, **identity(order)}
