"""The webhook of an app at its forge, read and made by the forge's API.

Not every API has webhooks, and none shows the secret of one.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple, Protocol

from framework.forges.requester import Body, Requester
from framework.ports.forge_errors import ForgeError, ForgeRefused
from framework.ports.hooks import EnteredHook


class KnownHook(NamedTuple):
    """A webhook that a forge has. `lacks` are the events that it should announce and does not.

    `answer` is the status of the last answer to it, 0 if there was none, None if that is not known.
    """

    id: int
    is_active: bool
    lacks: Sequence[str]
    answer: int | None = None


class Hooks(Protocol):
    """The webhooks of a repository at its forge.

    `rights` is what a token needs, as a sentence. `edit` is the method to change a webhook, and
    `test` the path below a webhook for a test delivery.
    """

    rights: ClassVar[str]
    edit: ClassVar[str]
    test: ClassVar[str]
    requester: Requester
    path: str

    def __init__(self, requester: Requester) -> None: ...

    def find(self, url: str) -> Iterator[KnownHook]:
        """Yield the webhooks with this address. Raises as framework.ports.Forge."""
        ...

    def describe(self, url: str, secret: str) -> Body:
        """Return what the forge is sent to have such a webhook."""
        ...


def enter(hooks: Hooks, url: str, secret: str) -> EnteredHook:
    """Give the forge the webhook with this address, and its secret. Blocks; raises nothing.

    Wrong settings of its webhooks at this address are corrected. The forge is asked for a test
    delivery: this shows whether deliveries arrive, and makes GitLab enable a disabled webhook
    again.
    """
    try:
        is_new = _enter(hooks, url, secret)
    except ForgeRefused as error:
        return _explain(hooks, error)
    except ForgeError as error:
        return EnteredHook("refused", str(error), "Try again, or enter it by hand.")
    return EnteredHook("made" if is_new else "updated")


def _enter(hooks: Hooks, url: str, secret: str) -> bool:
    """Return whether the webhook is new."""
    body = hooks.describe(url, secret)
    known = [one.id for one in hooks.find(url)]
    for number in known:
        hooks.requester.write(hooks.edit, f"{hooks.path}/{number}", body)
    if not known:
        hooks.requester.write("POST", hooks.path, body)
    for one in hooks.find(url):
        # What came of it, the check shows.
        with contextlib.suppress(ForgeError):
            hooks.requester.write("POST", f"{hooks.path}/{one.id}/{hooks.test}", {})
    return not known


def _explain(hooks: Hooks, error: ForgeRefused) -> EnteredHook:
    match error.status:
        case 401:
            return EnteredHook("refused", error.why, error.advice)
        case 422:
            why = f"The forge at {error.api} does not accept this webhook."
            return EnteredHook(
                "refused",
                why,
                "Some forges refuse addresses in private networks: its own settings allow them.",
            )
    why = f"The token may not make webhooks at {error.api}."
    return EnteredHook("refused", why, hooks.rights)
