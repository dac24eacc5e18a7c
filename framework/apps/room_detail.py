"""How much an app's waiting room shows to every visitor. Pure."""

from prevs.apps import AppRecord, Room, Shown


def find_room(app: AppRecord) -> Room:
    """Return the app's setting; a value of a later version of prevs counts as "status"."""
    return "auto" if app.room == "auto" else _read(app.room)


def find_shown(app: AppRecord, *, has_credential: bool) -> Shown:
    """Return "full", or "status" for the steps and the reason alone: no log and no names.

    With "auto", a private repository gets "status": one that needs a credential, or that is read
    over ssh, where the framework's own key may be the credential.
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
