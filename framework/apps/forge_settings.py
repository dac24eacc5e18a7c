"""An app's settings about pull requests: what they mean. Pure."""

from typing import TypeVar, get_args

from framework.errors import NotFound
from prevs.apps import AppRecord, Followed, Forks, PullsSetting, Tell

T = TypeVar("T")


class UnknownForgeToken(NotFound):
    """The app has no token for its forge."""

    def __init__(self, app: str) -> None:
        super().__init__(f"{app!r} has no token for its forge. `prevs forge set {app}` sets one.")
        self.app = app


def find_pulls(app: AppRecord, *, has_token: bool) -> Followed:
    """Return which pull requests an app follows.

    With "branches", these are the ones whose head is in the repository itself; with "all", also
    those from forks, as far as `find_forks` lets them. "auto" is "branches" with a token for the
    forge, and "off" without one. A value of a later version of prevs counts as "off".
    """
    if app.pulls == "auto":
        return "branches" if has_token else "off"
    return _one_of(app.pulls, get_args(Followed), "off")


def find_forks(app: AppRecord) -> Forks:
    """Return whether commits of forks may be built: never, once approved, or those of members.

    A value of a later version of prevs counts as "never".
    """
    return _one_of(app.forks, get_args(Forks), "never")


def find_tell(app: AppRecord) -> tuple[Tell, ...]:
    """Return how an app's forge is told; values of later versions of prevs are left out."""
    return tuple(known for known in get_args(Tell) if known in app.tell)


def show_pulls(app: AppRecord) -> PullsSetting:
    """Return the setting as the API shows it."""
    return "auto" if app.pulls == "auto" else find_pulls(app, has_token=False)


def _one_of(value: str, known: tuple[T, ...], otherwise: T) -> T:
    return next((one for one in known if one == value), otherwise)
