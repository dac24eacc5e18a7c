"""What the API answers about stacks. Times are in seconds since the epoch."""

from typing import TypedDict


class StackMember(TypedDict):
    """An app of a stack, as it is without a variant.

    The other members get its address `url` in the variable of the name `variable`.
    """

    member: str
    app: str
    label: str
    gate: str
    url: str
    variable: str


class VariantMember(TypedDict):
    """Where a member is in a variant, and what runs there; nothing yet if `state` is None.

    It has an instance of its own if it is `apart`; else it shares the preview of everybody.
    """

    member: str
    app: str
    label: str
    apart: bool
    url: str
    sha: str | None
    commit: str | None
    state: str | None
    reason: str
    queue_place: int | None


class StackVariant(TypedDict):
    """Choices of labels for members. It follows the branch `ref`, "" for none.

    `behind` is how many proxies do not know it as it is yet, None: not known.
    """

    stack: str
    name: str
    ref: str
    url: str
    labels: dict[str, str]
    own: list[str]
    pinned: bool
    opened: float
    by: str
    behind: int | None
    members: list[VariantMember]


class VariantAddress(TypedDict):
    """An open variant of a stack, and its address where visitors enter the stack."""

    stack: str
    variant: str
    url: str


class Stack(TypedDict):
    """Apps that are previewed together; visitors begin at the member `entry`."""

    name: str
    entry: str
    url: str
    members: list[StackMember]
    variants: list[StackVariant]
    created: float
    changed: float
    by: str


class VariantPlace(TypedDict):
    """The variant whose own instance a preview is."""

    stack: str
    variant: str
    members: list[VariantMember]
