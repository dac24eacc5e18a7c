"""What a verified webhook sets off, and how an app's repository is looked at."""

from collections.abc import Callable
from typing import Literal, NamedTuple


class Polling(NamedTuple):
    """How an app's repository is read.

    `every` is the pause between two reads in seconds, None while nobody follows the app. `hooked`
    is how many seconds ago the last verified webhook came, None if none came since this framework
    leads.
    """

    every: float | None = None
    hooked: float | None = None


class HookPorts(NamedTuple):
    """What the calls about webhooks need. None blocks, and each is thread safe.

    `nudge` has everything of an app's forge that is looked at again and again looked at now; it
    takes the app's name. `polling` returns how the repository is read, `random` so many random
    bytes.
    """

    nudge: Callable[[str], None]
    polling: Callable[[str], Polling]
    random: Callable[[int], bytes]


class EnteredHook(NamedTuple):
    """What became of a webhook that the forge's API was to enter.

    `outcome` is `by hand` if that API has no webhooks, or if there is no token. `why` is a
    sentence, and `advice` the next step; both are empty if the webhook is there now.
    """

    outcome: Literal["made", "updated", "refused", "by hand"]
    why: str = ""
    advice: str = ""

    @property
    def is_there(self) -> bool:
        """Whether the forge has it now."""
        return self.outcome in ("made", "updated")
