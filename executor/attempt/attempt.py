"""An attempt, and its image and containers. Pure."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from executor.ports import ContainerSpec, ImageSpec, PublishedPort, Volume
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.companions import APPLICATION, Companion
from prevs.containers import BuildSettings
from prevs.messages import BuildOrder

STRANGER = "prevs.stranger"
"""The label of what is made of a stranger's commit."""

HOOK = "prevs.hook"
"""The label of a hook's container, with its number."""

BRANCH = "prevs.branch"
"""The label of containers and volumes with the branch whose data they have."""

_SHOWN = 120
"""Characters of a command that are shown. It shares one line with the progress of the attempt."""


class Attempt(NamedTuple):
    """One try to run a preview or a job. `cluster` names the installation if there are more.

    With a `stage` of the Dockerfile its image is built to that: a companion's. With a `build` it is
    the image of the companion `whose`, which has its own.
    """

    task_id: str
    agent_id: str
    cluster: str | None
    order: BuildOrder
    stage: str = ""
    build: BuildSettings | None = None
    whose: str = ""

    @property
    def image(self) -> str:
        """The tag of its image."""
        order = self.order
        if order.run.image and self.build is None:
            return names.pulled_tag(order.run.image, self.cluster, trusted=order.trusted)
        stage = self.stage if self.build is None else _key(self.build)
        return names.image_tag(
            order.app, order.sha, order.folder, trusted=order.trusted, stage=stage
        )

    @property
    def shown_image(self) -> str:
        """The short name of its image in the log."""
        if self.order.run.image and self.build is None:
            return self.order.run.image
        shown = names.image_tag(self.order.app, names.short(self.order.sha))
        if self.whose:
            return f"{shown} ({self.whose})"
        return f"{shown} (stage {self.stage})" if self.stage else shown

    @property
    def built(self) -> BuildSettings:
        """How its image is built."""
        own = self.build or self.order.build
        return dataclasses.replace(own, target=self.stage) if self.stage else own


def _key(build: BuildSettings) -> str:
    """Return what tells a build from others of the commit; no stage has such a name."""
    parts = (build.dockerfile, build.context, build.target, sorted(build.args.items()), build.text)
    return json.dumps(parts)


def image_labels(attempt: Attempt) -> Mapping[str, str]:
    """Return the labels that identify an image. All attempts give it the same ones."""
    labels = {"prevs.app": attempt.order.app, "prevs.commit": attempt.order.sha}
    if attempt.order.folder:
        labels["prevs.folder"] = attempt.order.folder
    if attempt.cluster:
        labels["prevs.cluster"] = attempt.cluster
    if not attempt.order.trusted:
        labels[STRANGER] = "yes"
    return labels


def image_spec(attempt: Attempt) -> ImageSpec:
    """Return the image of an attempt."""
    order, built = attempt.order, attempt.built
    return ImageSpec(
        tag=attempt.image,
        labels=image_labels(attempt),
        target=built.target,
        args=built.args,
        secrets=order.given_to_build,
        registry=order.registry,
    )


def container_spec(attempt: Attempt, volumes: Sequence[Volume] = ()) -> ContainerSpec:
    """Return the container of an attempt's application."""
    order = attempt.order
    return ContainerSpec(
        name=names.container_name(attempt.task_id),
        image=attempt.image,
        cpus=order.cpus,
        mem=order.mem,
        environment=environment(order),
        labels={
            **image_labels(attempt),
            "prevs.task": attempt.task_id,
            "prevs.agent": attempt.agent_id,
            **({BRANCH: order.data} if order.data else {}),
        },
        ports=_published_ports(order),
        command=order.run.command,
        read_only=order.run.read_only,
        volumes={volume.path: volume.name for volume in volumes},
        gates=order.gates,
        own=order.run.container,
        aliases=app_names(order) if is_apart(order) else (),
    )


def is_apart(order: BuildOrder) -> bool:
    """Return whether each container of an attempt has a network address of its own.

    A job beside a running preview has none: it joins one of that preview's containers.
    """
    is_beside = order.work is not None and bool(order.work.beside)
    return has_addresses(order.run) and not is_beside


def has_addresses(run: RunSettings) -> bool:
    """Return whether the containers of a commit have a network address each.

    One that ends while others run cannot own the network that all would share.
    """
    ends = any(one.once for one in run.companions)
    return bool(run.companions) and (run.apart or ends)


def app_names(order: BuildOrder) -> Sequence[str]:
    """Return the names that lead to the application from its companions.

    A companion that a compose file calls `app` has that name itself.
    """
    run = order.run
    taken = {name for one in run.companions for name in one.container.names}
    own = (APPLICATION, *filter(None, [run.service]), *run.container.names)
    return tuple(name for name in own if name not in taken)


def companion_volumes(order: BuildOrder, companion: str) -> str:
    """Return the name under which a companion's volumes are; no app and no other has it."""
    return f"{names.volume_owner(order.app, trusted=order.trusted)}_{companion}"


def hook_spec(
    attempt: Attempt, number: int, command: Sequence[str], volumes: Sequence[Volume]
) -> ContainerSpec:
    """Return the container of a hook; the first one that runs has the number 1.

    It differs from the application's container only in its command, and in that its port is not
    published. It has the same name, as only one of them runs at a time.
    """
    spec = container_spec(attempt, volumes)
    return dataclasses.replace(
        spec,
        command=tuple(command),
        ports=(),
        labels={**spec.labels, HOOK: str(number)},
    )


def describe_command(words: Sequence[str]) -> str:
    """Return a command for people: one short line, quoted for a shell."""
    line = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shlex.join(words)
    )
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def environment(order: BuildOrder) -> Mapping[str, str]:
    """Return the variables of all containers of a preview. Ours override the app's."""
    return {
        **order.run.environment,
        **order.given_to_containers,
        "PORT": str(order.container_port),
        **identity(order),
    }


def identity(order: BuildOrder) -> Mapping[str, str]:
    """Return the variables that tell a container what it is."""
    return {
        "PREVS_APP": order.app,
        "PREVS_COMMIT": order.sha,
        "PREVS_LABEL": order.label,
        "PREVS_URL": order.url,
        **({"PREVS_STACK": order.variant} if order.variant else {}),
        **_service_urls(order),
    }


def service_ports(order: BuildOrder, companion: Companion) -> Sequence[PublishedPort]:
    """Return the port at which visitors reach a companion, if they do."""
    service = order.services.get(companion.name)
    if service is None or not companion.port:
        return ()
    return (PublishedPort(companion.port, order.host, service.host_port),)


def _published_ports(order: BuildOrder) -> Sequence[PublishedPort]:
    if not order.host_port:
        return ()
    return (PublishedPort(order.container_port, order.host, order.host_port),)


def _service_urls(order: BuildOrder) -> Mapping[str, str]:
    """Return the variables with the URLs of all that visitors reach, if that is several."""
    if not order.services:
        return {}
    from prevs.service_names import url_variable  # few commits have services

    urls = {name: service.url for name, service in order.services.items()}
    own = {order.run.service: order.url} if order.run.service else {}
    return {url_variable(name): url for name, url in {**urls, **own}.items()}
