"""The variables by which previews of a stack's apps find each other. Pure."""

from collections.abc import Iterable, Mapping

from prevs import names
from prevs.names import Addresses
from prevs.stacks import StackRecord


def find_variables(
    stacks: Iterable[StackRecord], app: str, instance: str, addresses: Addresses
) -> Mapping[str, str]:
    """Return the members' addresses for a preview of an app, by the variable that has them.

    `instance` is its label as the instance of a variant, "" for any other preview.

    An instance gets the addresses of its variant, so what it calls stays in there. Any other
    preview gets the stack's own ones. If the app is in several stacks, it gets those of all: of two
    with one name that of the variant's stack, or else of the stack whose name comes first.
    """
    variant, gate = names.split_instance(instance)
    found: dict[str, str] = {}
    for stack in sorted(stacks, key=lambda one: (not _has_gate(one, gate), one.name)):
        if app not in stack.apps:
            continue
        is_its = _has_gate(stack, gate)
        for member in stack.members:
            at = stack.instance(variant, member) if is_its else stack.gate(member)
            found.setdefault(name_variable(member), addresses.gate_url(at).removesuffix("/"))
    return found


def _has_gate(stack: StackRecord, gate: str) -> bool:
    return any(stack.gate(member) == gate for member in stack.members)


def name_variable(member: str) -> str:
    """Return the name of the variable that has a member's address: CART_URL."""
    return f"{member.upper().replace('-', '_')}_URL"
