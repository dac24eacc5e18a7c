"""Frozen dataclasses as JSON, for data that is stored, or sent between versions of prevs.

Every encoded object carries "v". Readers ignore unknown keys, and use a field's default if its key
is absent. They refuse a wrong type, a missing required field and an unknown "v". The bytes are
stable: sorted keys, no spaces, UTF-8.
"""

import dataclasses
import enum
import functools
import json
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, Union

T = TypeVar("T")
_Reader = Callable[[Any, str], Any]
_UNIONS = (Union, getattr(types, "UnionType", Union))
"""The origins of `Optional[int]` and, from Python 3.10 on, of `int | None`."""

_SCALARS = frozenset({str, float, int, bool, type(None)})
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class RecordError(Exception):
    """Bytes that are not a valid record."""

    def __init__(self, record: str, problem: str) -> None:
        super().__init__(f"not a {record}: {problem}")
        self.record = record
        self.problem = problem


def encode(value: Any, version: int) -> bytes:
    """Return the bytes of a dataclass instance at format `version`."""
    return _ENCODER.encode({"v": version, **_plain(value)}).encode()


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
    wanted: Any = kind
    return typing.cast(T, _reader(wanted)(parsed, kind.__name__))


def _plain(value: Any) -> Any:
    if type(value) in _SCALARS:
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    kind: Any = type(value)
    # Most fields are scalars, and a call for each would take half of the time.
    return {
        name: one if type(one := getattr(value, name)) in _SCALARS else _plain(one)
        for name in _names(kind)
    }


@functools.cache
def _names(kind: Any) -> Sequence[str]:
    return [field.name for field in dataclasses.fields(kind)]


@functools.cache
def _reader(kind: Any) -> _Reader:
    """Return the function that reads a value of the type `kind`; it also takes a name for errors.

    It is cached, because inspecting a type takes longer than reading a value.
    """
    origin = typing.get_origin(kind)
    if origin in _UNIONS:
        return _read_optional(kind)
    if origin is tuple:
        return _read_tuple(kind)
    if origin is Mapping or origin is dict:
        return _read_mapping(kind)
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _read_enum(kind)
    return functools.partial(_build_scalar, kind)


def _read_optional(kind: Any) -> _Reader:
    options = typing.get_args(kind)
    read = _reader(next(option for option in options if option is not type(None)))
    if type(None) not in options:
        return read
    return lambda value, where: None if value is None else read(value, where)


def _read_tuple(kind: Any) -> _Reader:
    (item_kind, _) = typing.get_args(kind)
    read_item = _reader(item_kind)

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise RecordError(where, "a list is expected")
        return tuple([read_item(item, where) for item in value])

    return read


def _read_mapping(kind: Any) -> _Reader:
    (_, item_kind) = typing.get_args(kind)
    read_item = _reader(item_kind)

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise RecordError(where, "an object is expected")
        return {
            _build_scalar(str, key, where): read_item(item, f"{where}.{key}")
            for key, item in value.items()
        }

    return read


def _read_enum(kind: type[enum.Enum]) -> _Reader:
    def read(value: Any, where: str) -> Any:
        try:
            return kind(value)
        except ValueError:
            raise RecordError(where, f"{value!r} is not a {kind.__name__}") from None

    return read


def _read_dataclass(kind: Any) -> _Reader:
    hints = typing.get_type_hints(kind)
    readers = {name: _reader(hints[name]) for name in _names(kind)}
    required = [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise RecordError(where, "an object is expected")
        for name in required:
            if name not in value:
                raise RecordError(where, f"{name} is missing")
        given = {
            name: read_field(value[name], f"{where}.{name}")
            for name, read_field in readers.items()
            if name in value
        }
        return kind(**given)

    return read


def _build_scalar(kind: Any, value: Any, where: str) -> Any:
    whole = kind is float and isinstance(value, int)
    if isinstance(value, bool) != (kind is bool) or not (isinstance(value, kind) or whole):
        # The error does not show the value, which may be secret.
        raise RecordError(where, f"{kind.__name__} is expected, not {type(value).__name__}")
    try:
        return _storable(float(value) if whole else value)
    except (OverflowError, UnicodeEncodeError):
        raise RecordError(where, "JSON cannot hold the value") from None


def _storable(value: Any) -> Any:
    """Return `value` if JSON can hold it: Python also reads NaN and half a surrogate pair."""
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError
    if isinstance(value, str):
        value.encode()
    return value
