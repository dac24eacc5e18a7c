"""Events, as the API and notifications show them, and the receivers of notifications."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, create_model
from pydantic_core import PydanticCustomError

from framework.apps import receiver_address, receivers
from framework.apps.receivers import Format, Receiver
from framework.http_api.http.examples import SHA, TASK_ID, example, order_example
from framework.http_api.http.paging import Next
from framework.ports.notifications import LastTry, Standing
from framework.preview.history import ActivityEvent
from prevs import event_kinds
from prevs.names import Addresses
from prevs.states import State

_SUBJECTS: dict[str, Any] = {
    kind.name: (
        str | None,
        Field(
            default=None,
            description=f"{kind.subject}; null unless `type` is `{kind.name}`: {kind.when}.",
        ),
    )
    for kind in event_kinds.TYPES
    if kind.subject
}
"""The fields of an event that follow from its kinds."""
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
    **dict.fromkeys(_SUBJECTS),
}
_RECEIVER: dict[str, Any] = {
    "name": "hooks.slack.com",
    "host": "hooks.slack.com",
    "events": ["failed", "running"],
    "format": "slack",
    "created": 1764031200.0,
    "last": {"at": 1764031207.6, "status": 200, "problem": ""},
    "waiting": 0,
    "dropped": 0,
}
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw4fTTfMMn0mM="  # noqa: S105 # an example
_Type: Any = Literal[(event_kinds.PREVIEW, *(kind.name for kind in event_kinds.TYPES))]
_AT_GATES = (event_kinds.GATE.name, event_kinds.STACK.name)
"""The types of events that have the address of a gate: a stack's entry has a gate of its name."""
_create: Any = create_model
_Kind = Annotated[str, Field(json_schema_extra={"enum": list(event_kinds.NAMES)})]
_KINDS = " ".join(f"`{kind.name}`: {kind.when}." for kind in event_kinds.KINDS)
_ALL = "null: all, also those of later versions of prevs."


class _Happened(BaseModel):
    """What every event has."""

    id: str = Field(description="Where a stream continues: Last-Event-ID.")
    at: float = Field(description="In seconds since the epoch.")
    type: _Type
    app: str
    sha: str | None = Field(description="null: it did not happen to a preview.")
    label: str | None
    state: State | None = Field(description="null: the preview was forgotten.")
    before: State | None = Field(description="null: the preview is new.")
    sentence: str = Field(description="What has happened, for people.")
    task_id: str | None


_WITH_SUBJECTS = _create("_WithSubjects", __base__=_Happened, **_SUBJECTS)


class Event(_WITH_SUBJECTS):  # type: ignore[misc, valid-type] # its fields follow from the kinds
    """Something that happened to an app, or to what belongs to it."""

    model_config = example(_EVENT)


class Events(BaseModel):
    """What has happened lately, the last first."""

    model_config = example({"events": [_EVENT], "next": "9f86d081-17"})

    events: list[Event]
    next: Next


def show_event(event: ActivityEvent) -> Event:
    """Return an event as the API shows it."""
    named = {event.type: event.subject} if event.type in _SUBJECTS else {}
    shown: Event = Event.model_validate({**event._asdict(), **named})
    return shown


def _check_url(url: str) -> str:
    if problem := receiver_address.find_problem(url):
        raise PydanticCustomError("receiver_url", "{problem}", {"problem": problem})
    return url


class ReceiverOrder(BaseModel):
    """A new receiver of an app's notifications."""

    model_config = order_example(
        {
            "url": "https://hooks.slack.com/services/T000/B000/hunter2",
            "events": ["failed", "running"],
            "format": "slack",
        }
    )

    name: str | None = Field(
        default=None,
        description="null: the host of the address.",
        json_schema_extra={"pattern": receivers.NAME},
    )
    url: Annotated[str, AfterValidator(_check_url)] = Field(
        repr=False,
        description="http or https, at a host that PREVS_NOTIFY_HOSTS allows. It is stored sealed, "
        "and never shown again.",
        json_schema_extra={
            "maxLength": receiver_address.LONGEST,
            "pattern": receiver_address.URL,
        },
    )
    events: list[_Kind] | None = Field(
        default=None, min_length=1, description=f"The kinds of events to send; {_ALL} {_KINDS}"
    )
    format: Format = Field(
        default="prevs",
        description="prevs: the event as JSON, with the address of its preview. slack: a message, "
        "which Mattermost takes too.",
    )


class ShownTry(BaseModel):
    """The last try to send something to a receiver."""

    model_config = example(_RECEIVER["last"])

    at: float = Field(description="In seconds since the epoch.")
    status: int | None = Field(description="That of the answer; null: there was none.")
    problem: str = Field(description="Why it was not taken, for people; empty if it was.")


class ShownReceiver(BaseModel):
    """A receiver of an app's notifications, without its address and its secret."""

    model_config = example(_RECEIVER)

    name: str
    host: str = Field(description="That of its address, whose rest may be secret.")
    events: list[str] | None = Field(description=f"The kinds of events; {_ALL}")
    format: str
    created: float = Field(description="In seconds since the epoch.")
    last: ShownTry | None = Field(
        description="The last try; null if there was none since this framework leads."
    )
    waiting: int = Field(description="How many notifications wait for it.")
    dropped: int = Field(
        description="How many it did not get since this framework leads: they were an hour old, or "
        "too many waited."
    )


class NewReceiver(ShownReceiver):
    """A receiver that was just added, with the secret that notifications are signed with."""

    model_config = example({**_RECEIVER, "last": None, "secret": _SECRET})

    secret: str = Field(description="It is not shown again.")


class Receivers(BaseModel):
    """The receivers of an app's notifications, the oldest first."""

    model_config = example({"receivers": [_RECEIVER]})

    receivers: list[ShownReceiver]


def show_receiver(receiver: Receiver, standing: Standing) -> ShownReceiver:
    """Return a receiver as the API shows it."""
    last = standing.last
    return ShownReceiver(
        name=receiver.name,
        host=receiver_address.find_host(receiver.url),
        events=list(receiver.events) or None,
        format=receiver.format,
        created=receiver.created,
        last=None if last is None else show_try(last),
        waiting=standing.waiting,
        dropped=standing.dropped,
    )


def show_try(last: LastTry) -> ShownTry:
    """Return a try as the API shows it."""
    return ShownTry.model_validate(last._asdict())


def write_notification(event: ActivityEvent, addresses: Addresses) -> dict[str, object]:
    """Return an event as receivers get it: as the API shows it, with its preview's address.

    That of a gate has the gate's, and that of a stack its own.
    """
    url = None
    if event.subject and event.type in _AT_GATES:
        url = addresses.gate_url(event.subject)
    elif event.sha:
        url = addresses.url(event.label or event.sha, event.app, event.instance)
    return {**show_event(event).model_dump(mode="json"), "url": url}


def write_test(app: str, test_id: str, now: float) -> dict[str, object]:
    """Return the notification that shows that a receiver can be reached."""
    sentence = f"this is a test of the notifications of {app}"
    nothing = dict.fromkeys((*Event.model_fields, "url"))
    return {**nothing, "id": test_id, "at": now, "type": "test", "app": app, "sentence": sentence}
