"""Which agents an app may run on, by their attributes: `zone=a|b`, `disk!=slow`, `gpu`. Pure.

`name=x|y` holds if the attribute is one of the values; `name!=x|y` if it is none of them, or
missing; `name` alone if the agent has the attribute, with any value.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_NAME = r"[A-Za-z0-9][A-Za-z0-9._/-]*"
_VALUE = r"[A-Za-z0-9._/+:-]+"
_FORM = re.compile(rf"\s*({_NAME})\s*(?:(!?=)\s*({_VALUE}(?:\s*\|\s*{_VALUE})*))?\s*")


class Constraint(NamedTuple):
    """One condition. Without values, the attribute must exist; `negated` is for `!=`."""

    name: str
    values: frozenset[str]
    negated: bool

    def holds(self, attributes: Mapping[str, str]) -> bool:
        """Return whether an agent with these attributes meets the condition."""
        if not self.values:
            return self.name in attributes
        return (attributes.get(self.name) in self.values) is not self.negated


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Constraint:
    """Return the constraint that a text describes. Raises ValueError with a sentence for people."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not a constraint; write name=value, name=value|value, name!=value or "
            "name."
        )
    name, sign, values = found.groups()
    each = frozenset(value.strip() for value in values.split("|")) if values else frozenset()
    return Constraint(name, each, sign == "!=")


def find_problem(text: str) -> str | None:
    """Return what is wrong with a constraint, for people; None if it is right."""
    try:
        parse(text)
    except ValueError as problem:
        return str(problem)
    return None


def hold(texts: Iterable[str], attributes: Mapping[str, str]) -> bool:
    """Return whether an agent meets all constraints; one that cannot be read is never met."""
    try:
        for text in texts:
            if not parse(text).holds(attributes):
                return False
    except ValueError:
        return False
    return True
