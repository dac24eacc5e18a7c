"""Gates as the framework writes them."""

import dataclasses
from typing import Any

from prevs.gates import GateRecord, Revision, Rule, Target
from prevs.signatures import sign_gate, sign_whole_gate
from tests.fakes.placements import KEY


def lead(path: str, *labels: str, **more: Any) -> Rule:
    """Return a rule for a path; with several labels, the first one has nearly all lots."""
    first, *others = labels
    targets = (Target(first, 10_000 - len(others)), *(Target(one, 1) for one in others))
    return Rule(path, targets, **more)


def make_gate(
    *rules: Rule, name: str = "api", app: str = "hello", number: int = 1, **more: Any
) -> GateRecord:
    """Return a gate's record; `more` are fields of its revision, or else its own."""
    own = {field.name for field in dataclasses.fields(GateRecord)}
    of_revision = {key: value for key, value in more.items() if key not in own}
    of_gate = {key: value for key, value in more.items() if key in own}
    return GateRecord(name, app, Revision(number, rules, **of_revision), **of_gate)


def sign(record: GateRecord, key: bytes = KEY) -> bytes:
    """Return the bytes of a signed record."""
    return signed(record, key).encode()


def signed(record: GateRecord, key: bytes = KEY) -> GateRecord:
    """Return a record as the framework signs it."""
    whole = sign_whole_gate(key, record)
    return dataclasses.replace(record, signature=sign_gate(key, record), whole_signature=whole)
