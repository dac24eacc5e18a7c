"""Events, as the API shows them."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from framework.http_api.http.examples import SHA, TASK_ID, example
from framework.http_api.http.paging import Next
from framework.preview.history import ActivityEvent
from prevs.states import State

_EVENT: dict[str, Any] = {
    "id": "9f86d081-17",
    "at": 1764031207.5,
    "type": "preview",
    "app": "hello",
    "sha": SHA,
    "label": "main",
    "state": "running",
    "before": "starting",
    "sentence": "main of hello (5c80e7d) runs on 127.0.0.1",
    "task_id": TASK_ID,
}


class Event(BaseModel):
    """Something that happened to an app or to a preview."""

    model_config = example(_EVENT)

    id: str = Field(description="Where a stream continues: Last-Event-ID.")
    at: float = Field(description="In seconds since the epoch.")
    type: Literal["preview", "app"]
    app: str
    sha: str | None = Field(description="null: it happened to the app.")
    label: str | None
    state: State | None = Field(description="null: the preview was forgotten.")
    before: State | None = Field(description="null: the preview is new.")
    sentence: str = Field(description="What has happened, for people.")
    task_id: str | None


class Events(BaseModel):
    """What has happened lately, the last first."""

    model_config = example({"events": [_EVENT], "next": "9f86d081-17"})

    events: list[Event]
    next: Next


def show_event(event: ActivityEvent) -> Event:
    """Return an event as the API shows it."""
    return Event.model_validate(event._asdict())
