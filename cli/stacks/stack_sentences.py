"""Sentences about stacks, as functions of values."""

from cli.client.generated.records import Stack, StackVariant, VariantMember
from cli.display.sentences import counted, ordinal
from cli.display.terminal import one_line
from prevs import names


def list_members(stack: Stack) -> str:
    """Return the members in a line: "web (shop-web), cart (shop-cart)"."""
    return ", ".join(
        one["member"] if one["member"] == one["app"] else f"{one['member']} ({one['app']})"
        for one in stack["members"]
    )


def list_variables(stack: Stack) -> str:
    """Return the variables by which members find each other: "WEB_URL and CART_URL"."""
    return _join([one["variable"] for one in stack["members"]])


def describe_removal(stack: Stack) -> str:
    """Return what goes with a stack: its addresses, its open variants and what is apart there."""
    addresses = _join([one["url"] for one in stack["members"]])
    told = f"Nothing answers at {addresses} any more."
    if not (variants := stack["variants"]):
        return told
    closed = _join([one["name"] for one in variants])
    what, these = ("variants", "these") if variants[1:] else ("variant", "that")
    return f"{told} The {what} {closed} and what runs in {these} alone go too."


def describe_closing(variant: StackVariant) -> str:
    """Return what goes with a variant: its addresses, and what is apart in it."""
    goes = f", and {found} goes" if (found := apart(variant)) else ""
    pinned = "It is pinned. " if variant["pinned"] else ""
    return f"{pinned}Nothing answers at {variant['url']} any more{goes}."


def describe_places(variant: StackVariant) -> str:
    """Return which members are apart, and where: "cart is at feature/x; the other member is …"."""
    said = [
        f"{one['member']} has an instance of its own at {_show_label(variant, one['label'])}"
        if one["member"] in variant["own"]
        else f"{one['member']} is at {_show_label(variant, one['label'])}"
        for one in variant["members"]
        if one["apart"]
    ]
    shared = len(variant["members"]) - len(said)
    return f"{_join(said)}; {_describe_rest(shared)}." if said else "All members are as usual."


def _describe_rest(shared: int) -> str:
    match shared:
        case 0:
            return "none is shared"
        case 1:
            return "the other member is as usual"
        case _:
            return f"the other {shared} members are as usual"


def apart(variant: StackVariant) -> str:
    """Return what is apart, with its state: "cart at feature/x: running (5c80e7d)"."""
    return "; ".join(
        f"{one['member']} at {_show_label(variant, one['label'])}: {state(one)}"
        for one in variant["members"]
        if one["apart"]
    )


def state(member: VariantMember) -> str:
    """Return the state of a member and its commit: "running (5c80e7d)"."""
    at = f" ({names.short(member['commit'])})" if member["commit"] else ""
    return f"{member['state'] or 'not started'}{at}"


def reason(member: VariantMember) -> str:
    """Return why a member waits, stopped or failed, or "": "2nd in the queue: no agent …"."""
    place = member["queue_place"]
    standing = "" if place is None else f"{ordinal(place)} in the queue"
    return ": ".join(part for part in (standing, one_line(member["reason"])) if part)


def follows(variant: StackVariant) -> str:
    """Return the branch that a variant follows, and the choices of people in it."""
    chosen = [f"{member} at {label}" for member, label in variant["labels"].items()]
    told = [f"the branch or tag {variant['ref']}"] if variant["ref"] else []
    return "; ".join([*told, *(["chosen: " + ", ".join(chosen)] if chosen else [])])


def proxies(variant: StackVariant) -> str:
    """Return whether all proxies know a variant as it is."""
    behind = variant["behind"]
    if behind is None:
        return "not asked yet"
    return f"{counted(range(behind), 'proxy does', 'proxies do')} not know it yet" if behind else ""


def _show_label(variant: StackVariant, label: str) -> str:
    """Return a label; that of the variant's branch as the branch is named."""
    return variant["ref"] if variant["ref"] and names.slug(variant["ref"]) == label else label


def _join(parts: list[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
