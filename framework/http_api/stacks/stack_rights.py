"""Who sees a stack, and who may use its variants. Pure.

Somebody sees a stack who sees all of its apps, and uses its variants who may use all of these.
"""

from framework.access import Identity, Scope
from framework.people import identities
from framework.state.snapshot import Snapshot
from prevs.stacks import StackRecord


def sees(identity: Identity, stack: StackRecord) -> bool:
    """Return whether somebody sees a stack."""
    return all(map(identity.sees, stack.apps))


def may_use(identity: Identity, stack: StackRecord) -> bool:
    """Return whether somebody sees a stack, and may open, stop, pin and close its variants."""
    return sees(identity, stack) and all(identity.may(Scope.USE, app) for app in stack.apps)


def find(snapshot: Snapshot, name: str, identity: Identity, *, to_use: bool = False) -> StackRecord:
    """Return a stack. Raises UnknownStack, and NotOfApp if an app of it is not theirs."""
    stack = snapshot.stack(name)
    identities.require(identity, is_theirs=(may_use if to_use else sees)(identity, stack))
    return stack
