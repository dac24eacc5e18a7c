"""The page of all kinds of events."""

from docs.generated.tables import code, table
from prevs.event_kinds import KINDS

_SAYS = """\
# Kinds of events

A [receiver](notifications.md) gets the events of the kinds that it was added with (`--events`).
The first eight are [states of a preview](lifecycle.md)."""


def page() -> str:
    """Return the page."""
    rows = ([code(kind.name), f"{kind.when}."] for kind in KINDS)
    return "\n".join([_SAYS, *table(("kind", "there is one when"), rows)])
