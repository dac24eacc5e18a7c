"""Records as bytes: they are read back, and invalid ones are refused by the field's name."""

import dataclasses
import json
import typing
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prevs import codec
from prevs.messages import BuildOrder, TaskReport
from prevs.records import AppRecord, PlacementsRecord, PreviewRecord, ProxyRecord, RecordError
from prevs.stacks import StackRecord
from prevs.states import State

KINDS = (
    *(AppRecord, PreviewRecord, PlacementsRecord, ProxyRecord, StackRecord),
    *(BuildOrder, TaskReport),
)
# JSON has no NaN and no infinity; surrogates are no text.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a field's annotation."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return st.lists(values(inner[0])).map(tuple)
    if origin is Mapping:
        return st.dictionaries(TEXT, values(inner[1]), max_size=5)
    if origin is not None:  # a union
        return st.one_of([values(one) for one in inner])
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        fields = typing.get_type_hints(hint).items()
        return st.builds(hint, **{name: values(field) for name, field in fields})
    if hint in (str, float):
        return TEXT if hint is str else NUMBER
    return st.from_type(hint)


RECORDS = st.sampled_from(KINDS).flatmap(values)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def plain(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.encode())
    return found


@given(RECORDS)
def test_a_decoded_record_equals_the_encoded_one_and_its_bytes_are_stable(record: Any) -> None:
    decoded = type(record).decode(record.encode())
    assert decoded == record
    assert decoded.encode() == record.encode()


@given(RECORDS, st.dictionaries(st.text().map(lambda key: f"new_{key}"), JSON, max_size=3))
def test_unknown_keys_are_ignored(record: Any, more: dict[str, Any]) -> None:
    data = json.dumps(plain(record) | more).encode()
    assert type(record).decode(data) == record


@given(RECORDS, st.data())
def test_a_field_with_a_default_may_be_absent(record: Any, data: st.DataObject) -> None:
    optional = [one.name for one in dataclasses.fields(record) if _default(one) is not None]
    absent = data.draw(st.sets(st.sampled_from(optional))) if optional else set()
    fields = {key: value for key, value in plain(record).items() if key not in absent}
    decoded = type(record).decode(json.dumps(fields).encode())
    for field in dataclasses.fields(record):
        default = _default(field)
        is_absent = default is not None and field.name in absent
        expected = default() if is_absent else getattr(record, field.name)
        assert getattr(decoded, field.name) == expected


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return lambda: field.default
    return None if field.default_factory is dataclasses.MISSING else field.default_factory


@given(st.sampled_from(KINDS), st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_record_or_a_record_error(kind: Any, data: bytes) -> None:
    try:
        decoded = kind.decode(data)
    except RecordError as exc:
        decoded, message = None, str(exc)
    assert isinstance(decoded, kind) or kind.__name__ in message


@given(RECORDS, JSON, st.data())
def test_any_value_of_a_field_is_accepted_or_refused_with_its_name(
    record: Any, value: Any, data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from([f.name for f in dataclasses.fields(record)]))
    try:
        decoded = type(record).decode(json.dumps(plain(record) | {field: value}).encode())
    except RecordError as exc:
        decoded, message = None, str(exc)
    # Whatever was taken can be stored again.
    assert decoded.encode() if decoded else field in message


PREVIEW = PreviewRecord(app="hello", sha="f" * 40, state=State.QUEUED)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("app", None),
        ("app", 1),
        ("sha", ["f"]),
        ("state", "asleep"),
        ("state", ["queued"]),
        ("labels", "main"),
        ("labels", [1]),
        ("host_port", "31000"),
        ("host_port", 31000.0),
        ("host_port", True),
        ("created", "now"),
        ("created", True),
        ("pinned", 1),
        ("failure", "it failed"),
        ("failure", {"cause": "app-exited"}),
        ("failure", {"cause": 7, "message": ""}),
        ("reason", "half a character: \ud800"),
    ],
)
def test_a_wrong_type_is_refused_with_the_name_of_the_field(field: str, value: object) -> None:
    data = json.dumps(plain(PREVIEW) | {field: value}).encode()
    with pytest.raises(RecordError, match=field):
        PreviewRecord.decode(data)


def test_a_missing_field_is_refused_with_its_name() -> None:
    fields = {key: value for key, value in plain(PREVIEW).items() if key != "sha"}
    with pytest.raises(RecordError, match="sha is missing"):
        PreviewRecord.decode(json.dumps(fields).encode())


def test_a_wrong_value_deep_inside_is_refused_with_its_place() -> None:
    placement = {"task_id": "t", "host": "h", "port": "80", "labels": []}
    data = json.dumps({"v": 1, "app": "hello", "placements": {"f": placement}}).encode()
    with pytest.raises(RecordError, match=r"placements\.f\.port"):
        PlacementsRecord.decode(data)


@pytest.mark.parametrize("version", [4, 0, None, "1", 1.0, True, [1]])
@pytest.mark.parametrize("kind", KINDS)
def test_another_version_is_refused(kind: Any, version: object) -> None:
    with pytest.raises(RecordError, match="version"):
        kind.decode(json.dumps({"v": version}).encode())


def test_a_whole_number_is_a_number() -> None:
    data = json.dumps(plain(PREVIEW) | {"created": 7}).encode()
    decoded = PreviewRecord.decode(data)
    assert decoded.created == 7.0
    assert isinstance(decoded.created, float)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_infinite_numbers_are_refused(number: str) -> None:
    data = json.dumps(plain(PREVIEW) | {"created": "X"}).replace('"X"', number).encode()
    with pytest.raises(RecordError):
        PreviewRecord.decode(data)


def test_lists_that_are_nested_too_deep_are_refused() -> None:
    with pytest.raises(RecordError):
        codec.decode(PreviewRecord, 1, b"[" * 100_000)


@pytest.mark.parametrize("value", [["hunter2"], {"deep": "hunter2"}, "hunter2\ud800"])
def test_no_error_shows_a_secret(value: object) -> None:
    order = json.loads(BuildOrder("a", "b" * 40, "l", "r", 80, "h", 1, 1.0, 64).encode())
    order["secrets"] = {"TOKEN": value}
    with pytest.raises(RecordError, match=r"secrets\.TOKEN") as caught:
        BuildOrder.decode(json.dumps(order).encode())
    assert "hunter2" not in str(caught.value)
