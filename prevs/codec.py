"""JSON to frozen dataclasses and back, for what is stored or sent between versions of prevs.

Every encoded object carries "v". Readers forgive keys they don't know and take a field's default
for one that is absent; they refuse a wrong type, a missing required field and a newer "v" whose
reader they are not. Bytes are stable: keys sorted, no spaces, UTF-8.
"""

import dataclasses
import enum
import functools
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, Union

T = TypeVar("T")


class RecordError(Exception):
    """Bytes that are not the record that they should be."""

    def __init__(self, record: str, problem: str) -> None:
        super().__init__(f"not a {record}: {problem}")
        self.record = record
        self.problem = problem


def encode(value: Any, version: int) -> bytes:
    """Return the bytes of a dataclass instance at format `version`."""
    fields = {"v": version, **_plain(value)}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode(kind: type[T], version: int, data: bytes) -> T:
    """Return the instance of `kind` that `data` holds. Raises RecordError."""
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise RecordError(kind.__name__, f"not JSON ({exc})") from exc
    if not isinstance(parsed, dict):
        raise RecordError(kind.__name__, "not a JSON object")
    found = parsed.get("v")
    if type(found) is not int or found != version:
        raise RecordError(kind.__name__, f"version {found!r}, this program reads {version}")
    return typing.cast(T, _build(kind, parsed, kind.__name__))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _build(kind: Any, value: Any, where: str) -> Any:
    """Return `value` as an instance of the annotation `kind`; `where` names it in errors."""
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        options = typing.get_args(kind)
        if value is None and type(None) in options:
            return None
        return _build(next(o for o in options if o is not type(None)), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise RecordError(where, "a list is expected")
        (item_kind, _) = typing.get_args(kind)
        return tuple(_build(item_kind, item, where) for item in value)
    if origin is Mapping or origin is dict:
        if not isinstance(value, dict):
            raise RecordError(where, "an object is expected")
        (_, item_kind) = typing.get_args(kind)
        return {
            _build(str, key, where): _build(item_kind, item, f"{where}.{key}")
            for key, item in value.items()
        }
    if dataclasses.is_dataclass(kind):
        return _build_dataclass(kind, value, where)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError:
            raise RecordError(where, f"{value!r} is not a {kind.__name__}") from None
    return _build_scalar(kind, value, where)


@functools.cache
def _hints(kind: type) -> Mapping[str, Any]:
    """Return the types of a dataclass's fields: to find them out takes longer than to read one."""
    return typing.get_type_hints(kind)


def _build_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise RecordError(where, "an object is expected")
    hints = _hints(kind)
    given = {}
    for field in dataclasses.fields(kind):
        if field.name in value:
            name = f"{where}.{field.name}"
            given[field.name] = _build(hints[field.name], value[field.name], name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise RecordError(where, f"{field.name} is missing")
    return kind(**given)


def _build_scalar(kind: Any, value: Any, where: str) -> Any:
    whole = kind is float and isinstance(value, int)
    if isinstance(value, bool) != (kind is bool) or not (isinstance(value, kind) or whole):
        raise RecordError(where, f"{kind.__name__} is expected, not {value!r}")
    try:
        return _storable(float(value) if whole else value)
    except (OverflowError, UnicodeEncodeError):
        raise RecordError(where, f"{value!r} is more than JSON can hold") from None


def _storable(value: Any) -> Any:
    """Return `value`, which Python may have read from what is no JSON: NaN, half a character."""
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError
    if isinstance(value, str):
        value.encode()
    return value
