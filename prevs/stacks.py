"""Stacks as the framework stores them: apps that are previewed together.

Times are seconds since the epoch (UTC).
"""

import dataclasses
from collections.abc import Mapping

from prevs import codec, names


@dataclasses.dataclass(frozen=True)
class Member:
    """An app of a stack, and the label that it is at unless a variant says otherwise."""

    app: str
    label: str


@dataclasses.dataclass(frozen=True)
class Variant:
    """Choices of labels for members, which have a name.

    With a `ref`, the members in `found` are at the branch or tag of that name: those whose
    repository has it. It goes with the last of these, unless somebody has `chosen` labels, by
    member. All other members are at their own label. Those in `own` have an instance of their own
    in it although they are not changed. What runs in a `pinned` one does not stop when idle. `by`
    names who has opened it.
    """

    ref: str = ""
    found: tuple[str, ...] = ()
    chosen: Mapping[str, str] = dataclasses.field(default_factory=dict)
    own: tuple[str, ...] = ()
    pinned: bool = False
    opened: float = 0.0
    by: str = ""


@dataclasses.dataclass(frozen=True)
class StackRecord:
    """A stack: its members and its open variants, by name. Visitors begin at the member `entry`.

    `changed` is when somebody last wrote its members, and `by` who that was. `closed` are branches
    of open pull requests whose variants somebody has closed. `signature` is that of
    prevs/signatures.py over all the rest: gates follow from this record.
    """

    name: str
    entry: str
    members: Mapping[str, Member]
    variants: Mapping[str, Variant] = dataclasses.field(default_factory=dict)
    created: float = 0.0
    changed: float = 0.0
    by: str = ""
    signature: str = ""
    closed: tuple[str, ...] = ()

    @property
    def apps(self) -> frozenset[str]:
        """The apps of its members."""
        return frozenset(one.app for one in self.members.values())

    def gate(self, member: str) -> str:
        """Return the name of the gate of a member: the entry's is that of the stack."""
        return self.name if member == self.entry else f"{member}-{self.name}"

    def instance(self, variant: str, member: str) -> str:
        """Return the label at which a variant's own instance of a member is, if it has one.

        It is the variant's address at the member's gate, whether it has or not.
        """
        return names.instance_label(variant, self.gate(member))

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "StackRecord":
        """Return the record in a znode, its members in order. Raises RecordError."""
        found = codec.decode(StackRecord, 1, data)
        return dataclasses.replace(found, members=order_members(found.entry, found.members))


def order_members(entry: str, members: Mapping[str, Member]) -> Mapping[str, Member]:
    """Return members as everybody shows them: the entry, then the others by name.

    The bytes of a record keep no other order.
    """
    return dict(sorted(members.items(), key=lambda one: (one[0] != entry, one[0])))
