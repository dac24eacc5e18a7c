"""A rule of a gate as people write it."""

import dataclasses
from collections.abc import Sequence

from prevs.gates import Sticky


@dataclasses.dataclass(frozen=True)
class WrittenCondition:
    """One of method, accept, header, cookie and query; the last three name what `value` is of.

    `value` is written as `is`. "" is left out.
    """

    method: str = ""
    accept: str = ""
    header: str = ""
    cookie: str = ""
    query: str = ""
    value: str = ""


@dataclasses.dataclass(frozen=True)
class WrittenTarget:
    """A label and its weight in percent, with at most two decimals; alone it needs none."""

    label: str
    weight: float | None = None


@dataclasses.dataclass(frozen=True)
class WrittenRule:
    """A rule, as Rule has it."""

    path: str
    to: Sequence[WrittenTarget]
    when: WrittenCondition | None = None
    sticky: str = Sticky.ADDRESS.value
