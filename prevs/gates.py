"""Gates as the framework stores them: addresses whose rules choose a label for each request.

What the rules mean is in prevs/gate_rules.py. Times are seconds since the epoch (UTC).
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import NamedTuple, Optional

from prevs import codec
from prevs.declarations import setting

LOTS = 10_000
"""Each client has a lot, from 0000 to 9999. A weight is how many of them lead to a target."""


class ConditionKind(enum.Enum):
    """What of a request a condition is about, in the order of precedence."""

    METHOD = "method"
    ACCEPT = "accept"  # the vendor type in the header Accept: what follows `vnd.`
    HEADER = "header"
    COOKIE = "cookie"
    QUERY = "query"


NAMED = (ConditionKind.HEADER, ConditionKind.COOKIE, ConditionKind.QUERY)
"""Conditions about what has a name, and a value."""


class Criterion(NamedTuple):
    """What a condition looks at; `name` is that of the header, cookie or query parameter."""

    kind: ConditionKind
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Condition:
    """That a request has exactly this value. Names of headers are in lower case."""

    kind: ConditionKind
    value: str
    name: str = ""

    @property
    def criterion(self) -> Criterion:
        """What it looks at."""
        return Criterion(self.kind, self.name)


class Override(enum.Enum):
    """How a request may name its label itself, in the order of precedence."""

    HEADER = "header"  # X-Prevs-Ref
    QUERY = "query"  # prevs-ref
    COOKIE = "cookie"  # prevs-ref; it comes last, as a cookie stays and a link is opened now


class Sticky(enum.Enum):
    """Where a client's lot comes from."""

    ADDRESS = "address"
    COOKIE = "cookie"  # prevs-lot, which the proxy sets to a random lot if there is none


class OnDelete(enum.Enum):
    """What becomes of the clients of a label once no branch leads to it any more."""

    STAY = "stay"  # they stay at the commit to which it led last
    DEFAULT = "default"  # they go to the default branch, as soon as that runs


@dataclasses.dataclass(frozen=True)
class Target:
    """A label of the gate's app, and how many of the LOTS lead to it."""

    label: str
    weight: int = LOTS

    @property
    def percent(self) -> float:
        """How many of 100 clients go there."""
        return self.weight * 100 / LOTS


@dataclasses.dataclass(frozen=True)
class Rule:
    """Where requests go whose path begins with the segments of `path`, and for which `when` holds.

    `path` is "/" or has no slash at its end. The weights of `to` make LOTS together.
    """

    path: str
    to: tuple[Target, ...]
    when: Optional[Condition] = None
    sticky: Sticky = Sticky.ADDRESS


@dataclasses.dataclass(frozen=True)
class Revision:
    """All that chose labels at a gate from `changed` on; `by` names the token or the person.

    With `refuses_unknown`, a request for a version that no rule has is refused. `commits` are those
    that the labels led to when the revision was last in force, so that a rollback leads there.
    `variants` are those of its stack, if the gate is a stack's, each with the label to which it
    leads instead of the rules.
    """

    number: int
    rules: tuple[Rule, ...]
    override: tuple[Override, ...] = ()
    refuses_unknown: bool = False
    changed: float = 0.0
    by: str = ""
    commits: Mapping[str, str] = dataclasses.field(default_factory=dict)
    variants: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class GateSettings:
    """What people write of a gate beside its rules: these settings wait and hold together."""

    hosts: tuple[str, ...] = setting((), "Hosts", "More hosts of it: `api.example.com`.")
    keep: bool = setting(False, "Keep", "Whether what it leads to keeps running without visitors.")
    on_delete: OnDelete = setting(
        OnDelete.STAY,
        "Deleted branches",
        "What becomes of the clients of a label to which no branch leads any more: they `stay` at "
        "its commit, or go to the `default` branch, as soon as that runs.",
    )


@dataclasses.dataclass(frozen=True)
class _Proposed:
    revision: Revision


# The fields of the last base come first: some of them have no default.
@dataclasses.dataclass(frozen=True)
class Proposal(GateSettings, _Proposed):
    """What a gate becomes once the previews of the commits that `awaited` lead to run.

    `awaited` are labels in the revision's `commits`. With a `failure`, a sentence, it comes to
    nothing. Proxies do not read it.
    """

    awaited: tuple[str, ...] = ()
    failure: str = ""


@dataclasses.dataclass(frozen=True)
class _Named:
    name: str
    app: str
    revision: Revision


@dataclasses.dataclass(frozen=True)
class GateRecord(GateSettings, _Named):
    """A gate: the address `<name>.<domain>`, and its hosts, for labels of `app`.

    `earlier` are the last revisions before, the
    latest first. Until a new gate's first revision is in force, its revision is number 0, without
    rules, and nothing is at its address. `signature` is that of prevs/signatures.py, over all that
    proxies read; `whole_signature` is over the rest too, and only frameworks read it. `last_number`
    is that of the revision that was written last, also if it never came into force. `stack` is the
    stack whose gate it is: nobody else writes that.

    `gone` are the labels of the revision in force to which no branch, tag or open pull request
    leads any more, and since when: they stay at its `commits`. No signature covers that: nobody is
    led by it.
    """

    created: float = 0.0
    earlier: tuple[Revision, ...] = ()
    proposal: Optional[Proposal] = None
    signature: str = ""
    whole_signature: str = ""
    last_number: int = 0
    stack: str = ""
    gone: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "GateRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(GateRecord, 1, data)
