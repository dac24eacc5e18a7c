"""Records as the API shows them."""

from typing import NamedTuple

from framework.http_api import models
from framework.ports import Resolved
from prevs import names
from prevs.records import AppRecord, Failure, PreviewRecord


class Addresses(NamedTuple):
    """Where previews are reached by people: `port` is the proxy's, as they see it."""

    domain: str
    port: int

    def url(self, label: str, app: str) -> str:
        """Return the address of a label."""
        return names.address(label, app, self.domain, self.port)


def show_app(app: AppRecord) -> models.App:
    """Return an app as the API shows it."""
    return models.App(
        name=app.name,
        repository=app.repository,
        port=app.port,
        cpus=app.cpus,
        mem=app.mem,
        max_previews=app.max_previews,
        health=app.health,
        created=app.created,
    )


def show_lead(app: str, label: str, lead: Resolved, addresses: Addresses) -> models.Lead:
    """Return what a label leads to as the API shows it."""
    return models.Lead.model_validate(
        {"app": app, "label": label, **lead._asdict(), "url": addresses.url(label, app)}
    )


def show_preview(preview: PreviewRecord, addresses: Addresses) -> models.Preview:
    """Return a preview as the API shows it; one without labels has its commit's address."""
    urls = [addresses.url(label, preview.app) for label in preview.labels]
    return models.Preview(
        app=preview.app,
        sha=preview.sha,
        state=preview.state,
        phase=preview.phase,
        labels=list(preview.labels),
        url=urls[-1] if urls else addresses.url(preview.sha, preview.app),
        urls=urls,
        reason=preview.reason,
        failure=_show_failure(preview.failure),
        task_id=preview.task_id,
        agent=_show_agent(preview),
        host_port=preview.host_port,
        created=preview.created,
        changed=preview.changed,
        started=preview.started,
        last_used=preview.last_used,
        pinned=preview.pinned,
    )


def _show_failure(failure: Failure | None) -> models.Failure | None:
    if failure is None:
        return None
    return models.Failure(cause=failure.cause, message=failure.message, exit_code=failure.exit_code)


def _show_agent(preview: PreviewRecord) -> models.Agent | None:
    if preview.agent_id is None:
        return None
    return models.Agent(id=preview.agent_id, host=preview.agent_host)
