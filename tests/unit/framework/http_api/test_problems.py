"""Every error that a caller can cause is a problem; the classes say themselves what they need."""

import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from framework import errors
from framework.errors import FrameworkError
from framework.http_api.http.problems import answer_error
from framework.ports.forge_errors import ForgeError
from framework.ports.mesos import SandboxGone
from framework.trust import RecordKind
from prevs import names

ADDRESSES = names.addresses("localhost", 8080)
NOT_FOR_CALLERS = (errors.Fatal, errors.OutcomeUnknown, ForgeError, SandboxGone)
NOTHING: Mapping[Any, Any] = {Sequence: [], list: [], types.UnionType: None}
VALUES = {str: "hello", int: 7, RecordKind: RecordKind.GATE, **NOTHING}
"""What an error is made with, by the types of its parameters."""


def leaves(cls: type[FrameworkError]) -> Iterator[type[FrameworkError]]:
    for sub in cls.__subclasses__():
        if not issubclass(sub, NOT_FOR_CALLERS):
            yield from leaves(sub)
            if "__init__" in vars(sub):
                yield sub


def make(kind: type[FrameworkError]) -> FrameworkError:
    hints = typing.get_type_hints(kind.__init__)
    needed = [
        one.name for one in inspect.signature(kind).parameters.values() if one.default is one.empty
    ]
    values = {name: VALUES[typing.get_origin(hints[name]) or hints[name]] for name in needed}
    return kind(**values)


@pytest.mark.parametrize(
    "kind", sorted(leaves(FrameworkError), key=str), ids=lambda kind: kind.__name__
)
def test_every_error_is_a_problem_with_its_sentence(kind: type[FrameworkError]) -> None:
    error = make(kind)
    answer = answer_error(error, ADDRESSES)
    assert not str(error).startswith("("), "it has its values, and no sentence"
    assert 400 <= answer.status_code < 600
    assert answer.status_code != 500
    assert str(error).encode() in bytes(answer.body).replace(b'\\"', b'"')
    assert b'"type": "urn:prevs:problem:' in bytes(answer.body)
