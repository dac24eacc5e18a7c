"""The receivers of an app's notifications: where its events are sent, and which of them. Pure."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal

from framework.errors import Conflict, NotFound
from prevs import event_kinds

Format = Literal["prevs", "slack"]
MOST = 10
"""How many receivers an app may have."""
NAME = r"^[A-Za-z0-9:_-][A-Za-z0-9.:_-]{0,252}$"
"""The pattern of a receiver's name; the name of every host fits, and is the default."""

_NAME = re.compile(NAME, re.ASCII)


@dataclasses.dataclass(frozen=True)
class Receiver:
    """A receiver. No `events` means all of them, also those that later versions have.

    Its address may contain a token, as those of Slack do, so it is shown only cut to its host.
    `created` is in seconds since the epoch.
    """

    name: str
    url: str = dataclasses.field(repr=False)
    secret: str = dataclasses.field(repr=False)
    events: tuple[str, ...] = ()
    format: str = "prevs"
    created: float = 0.0

    def wants(self, kind: str) -> bool:
        """Return whether events of a kind are sent to it."""
        return not self.events or kind in self.events


class UnknownReceiver(NotFound):
    """The app has no receiver of that name."""

    def __init__(self, app: str, name: str) -> None:
        super().__init__(
            f"{app!r} sends no notifications to {name!r}. `prevs notify ls {app}` lists the "
            "receivers."
        )
        self.app, self.name = app, name


class ReceiverExists(Conflict):
    """Another receiver of the app has that name."""

    def __init__(self, app: str, name: str) -> None:
        super().__init__(
            f"{app!r} has a receiver {name!r} already. Choose another name (`--name`), or remove "
            f"that one (`prevs notify rm {app} {name}`)."
        )
        self.app, self.name = app, name


class HostNotAllowed(Conflict):
    """The operator does not allow notifications to a host; `hosts` are the allowed ones."""

    def __init__(self, host: str, hosts: Sequence[str]) -> None:
        allowed = ", ".join(hosts) or "none"
        super().__init__(
            f"The operator does not allow notifications to {host!r} (allowed: {allowed}). Ask to "
            "have it listed in PREVS_NOTIFY_HOSTS of the frameworks."
        )
        self.host = host


def find_name_problem(name: str) -> str | None:
    """Return what is wrong with a receiver's name, or None."""
    if _NAME.fullmatch(name):
        return None
    return "must have at most 253 letters, digits and . : _ -, and not begin with a dot"


def find_events_problem(events: tuple[str, ...]) -> str | None:
    """Return what is wrong with a choice of kinds of events, or None."""
    unknown = sorted(set(events) - set(event_kinds.NAMES))
    return f"{unknown[0]!r} is none of {', '.join(event_kinds.NAMES)}" if unknown else None
