"""How much of an app its waiting room shows to whoever comes. Pure."""

from typing import Literal

from prevs.records import AppRecord

Shown = Literal["full", "status"]
Room = Literal["auto", "full", "status"]


def find_room(app: AppRecord) -> Room:
    """Return what an app says of it; what a later version may say is taken for the least."""
    return "auto" if app.room == "auto" else _read(app.room)


def find_shown(app: AppRecord, *, has_credential: bool) -> Shown:
    """Return "full", or "status" for steps and the sentence alone: no log, and no names.

    Where the app does not say: a repository that nobody reads without a credential is private, and
    ssh is read by nobody without one, the framework's own perhaps.
    """
    if app.room != "auto":
        return _read(app.room)
    return "status" if has_credential or _is_ssh(app.repository) else "full"


def _read(room: str) -> Shown:
    return "full" if room == "full" else "status"


def _is_ssh(repository: str) -> bool:
    scheme, separator, _ = repository.partition("://")
    if separator:
        return scheme.lower().endswith("ssh")
    return not repository.startswith("/")
