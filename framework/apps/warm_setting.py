"""Which new heads of an app are built before anybody visits them. Pure."""

from typing import get_args

from prevs.apps import AppRecord, Warm


def find_warm(app: AppRecord) -> Warm:
    """Return whose new heads are built ahead: open pull requests', or also all branches'.

    A value of a later version of prevs counts as "off".
    """
    known: tuple[Warm, ...] = get_args(Warm)
    return next((one for one in known if one == app.warm), "off")
