"""The page of all kinds of forges."""

from collections.abc import Iterable

from docs.generated.tables import code, table
from framework.forges.forge_kind import ForgeKind
from framework.forges.registry import FORGES

_SAYS = """\
# Kinds of forges

`prevs forge set APP --kind KIND` chooses one. Without it, the host of the repository
does, if it is known."""


def page() -> str:
    """Return the page."""
    head = ("forge", "kind", "known hosts", "webhooks", "comments", "deployments", "where to enter")
    return "\n".join([_SAYS, *table(head, (list(_row(one)) for one in FORGES.values()))])


def _row(forge: type[ForgeKind]) -> Iterable[str]:
    yield forge.title
    yield code(forge.kind)
    yield ", ".join(map(code, forge.hosts))
    yield "made by prevs" if forge.webhooks else "by hand"
    yield "edited" if forge.abilities.edits_comments else "written once"
    yield "yes" if forge.abilities.has_deployments else "no"
    yield forge.by_hand
