"""What an attempt is, and the container that it wants. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from executor.ports import ContainerSpec
from prevs import names
from prevs.messages import BuildOrder


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One try to run a preview. `cluster` names the installation where several share a daemon."""

    task_id: str
    agent_id: str
    cluster: str | None
    order: BuildOrder

    @property
    def image(self) -> str:
        """The tag of the image that it runs."""
        return names.image_tag(self.order.app, self.order.sha)


def image_labels(attempt: Attempt) -> Mapping[str, str]:
    """Return the labels by which an image is found again; the same for all attempts."""
    labels = {"prevs.app": attempt.order.app, "prevs.commit": attempt.order.sha}
    if attempt.cluster:
        labels["prevs.cluster"] = attempt.cluster
    return labels


def container_spec(attempt: Attempt) -> ContainerSpec:
    """Return the container of an attempt."""
    order = attempt.order
    return ContainerSpec(
        name=names.container_name(attempt.task_id),
        image=attempt.image,
        container_port=order.container_port,
        host=order.host,
        host_port=order.host_port,
        cpus=order.cpus,
        mem=order.mem,
        environment={
            "PORT": str(order.container_port),
            "PREVS_APP": order.app,
            "PREVS_COMMIT": order.sha,
            "PREVS_LABEL": order.label,
            "PREVS_URL": order.url,
        },
        labels={
            **image_labels(attempt),
            "prevs.task": attempt.task_id,
            "prevs.agent": attempt.agent_id,
        },
    )
