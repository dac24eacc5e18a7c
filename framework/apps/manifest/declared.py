"""Types of models, made from the settings that a record declares: those of the API and of files."""

import enum
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, create_model
from typing_extensions import TypedDict

from prevs.declarations import Setting, list_settings, list_values


def _read_whole(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


WHOLE = BeforeValidator(_read_whole)
"""Takes 8080.0 as a whole number: in JSON it is the same as 8080."""

_create: Any = create_model
_typed_dict: Any = TypedDict
Checks = Mapping[str, AfterValidator]
"""The checks of settings' values, by name, beside their bounds."""
Types = Mapping[str, Any]
"""The types of settings, by name, where what is declared does not say all."""


def order_of(record: type, checks: Checks, types: Types, *, only: Sequence[str] = ()) -> Any:
    """Return a model with all settings, or some: those without a default have to be given."""
    fields = {
        one.name: (_order_type(one, checks, types), ... if one.is_required else _default(one))
        for one in _choose(record, only)
    }
    return _create("_Order", **fields)


def changes_of(record: type, checks: Checks, types: Types) -> Any:
    """Return a TypedDict with any of the settings."""
    fields = {one.name: _order_type(one, checks, types) for one in list_settings(record)}
    return _typed_dict("_Changes", fields, total=False)


def answer_of(record: type, types: Types) -> Any:
    """Return a model with the values of all settings."""
    fields = {
        one.name: (_described(one, _shown_type(one, types), one.about.text), ...)
        for one in list_settings(record)
    }
    return _create("_Answer", **fields)


def terms_of(record: type, types: Types) -> Any:
    """Return a model with any of the settings; what is left out, or null, is as it was."""
    fields = {}
    for one in list_settings(record):
        value: Any = _value_type(one, {}, _of_json(one), types)
        fields[one.name] = (value | None, Field(default=None, description=one.order_text))
    return _create("_Terms", **fields)


def table_of(
    record: type, base: type[BaseModel], checks: Checks, types: Types, *, only: Sequence[str] = ()
) -> Any:
    """Return a model of a table in a file, where each setting, or some, has its default."""
    fields = {}
    for one in _choose(record, only):
        value: Any = _value_type(one, checks, [], types)
        default = _default(one) or None if one.kind is str else _default(one)
        field = Field(
            default=default,
            description=" ".join(
                filter(None, (one.about.text, _tell_default(one), one.about.file_text))
            ),
            examples=list(one.about.file_examples),
        )
        fields[key_of(one)] = (value | None if default is None else value, field)
    return _create("_Table", __base__=base, **fields)


def _choose(record: type, only: Sequence[str]) -> Sequence[Setting]:
    return [one for one in list_settings(record) if not only or one.name in only]


def key_of(one: Setting) -> str:
    """Return the key that a setting has in a file."""
    return one.about.file_key or one.name


def read_table(record: type, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a table as fields of a record."""
    return read(record, {one.name: table[key_of(one)] for one in list_settings(record)})


def read(record: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that an order or a file has as fields of a record; what is null is left out."""
    return {
        one.name: _stored(one, given[one.name])
        for one in list_settings(record)
        if given.get(one.name) is not None
    }


def show(record: Any) -> dict[str, Any]:
    """Return the values of a record's settings as the API shows them."""
    kind: type = type(record)
    left_out = {one.name for one in list_settings(kind) if one.about.is_left_out}
    return {
        name: value or None if name in left_out else _plain(value)
        for name, value in list_values(record).items()
    }


def _stored(one: Setting, value: Any) -> Any:
    if _is_enum(one):
        return one.kind(value)
    return tuple(value) if isinstance(value, list) else value


def _tell_default(one: Setting) -> str:
    """Return what stands for a number or a word that a file leaves out; of others nobody asks."""
    default = _default(one)
    if isinstance(default, str) and default:
        return f'Default: `"{default}"`.'
    is_number = one.kind in (int, float) and isinstance(default, (int, float))
    return f"Default: {default:,g}." if is_number else ""


def value_of(record: type, name: str) -> Any:
    """Return the type of a setting's values, with its bounds."""
    (one,) = (one for one in list_settings(record) if one.name == name)
    return _value_type(one, {}, [], {})


def examples(record: type) -> dict[str, Any]:
    """Return the example of each setting."""
    return {one.name: _plain(one.about.example) for one in list_settings(record)}


def _order_type(one: Setting, checks: Checks, types: Types) -> Any:
    return _described(one, _value_type(one, checks, _of_json(one), types), one.order_text)


def _shown_type(one: Setting, types: Types) -> Any:
    items: Any = list
    kind = types.get(one.name, one.kind if _is_enum(one) else _plain_type(one))
    return items[kind] if one.is_list else kind


def _described(one: Setting, value: Any, text: str) -> Any:
    known = value | None if one.may_be_null else value
    return Annotated[known, Field(description=text)]


def _of_json(one: Setting) -> Sequence[Any]:
    """Return what makes a type of a number that of one in JSON."""
    if one.kind is float:
        return [Field(allow_inf_nan=False)]
    return [WHOLE] if one.kind is int else []


def _value_type(one: Setting, checks: Checks, more: Sequence[Any], types: Types) -> Any:
    """Return the type of a setting, with its bounds: that of `types`, if it is there."""
    if one.name in types:
        return types[one.name]
    about = one.about
    check = [checks[one.name]] if one.name in checks else []
    bounds: dict[str, Any] = {
        **({"ge": about.least, "le": about.most} if one.kind in (int, float) else {}),
        **({"max_length": about.longest} if about.longest else {}),
    }
    extra: dict[str, Any] = {
        **({"format": about.form} if about.form else {}),
        **({"minLength": 1} if about.form and (one.is_required or one.is_list) else {}),
        **({"pattern": about.pattern} if about.pattern else {}),
    }
    value: Any = Annotated[
        _plain_type(one), Field(**bounds, json_schema_extra=extra or None), *check, *more
    ]
    items: Any = list
    return Annotated[items[value], Field(max_length=about.most_items)] if one.is_list else value


def _plain_type(one: Setting) -> Any:
    return Literal[tuple(one.about.choices)] if one.about.choices else one.kind


def _default(one: Setting) -> Any:
    """Return what stands for a setting that is left out, as JSON and TOML have it."""
    return None if one.may_be_null else _plain(one.default)


def _is_enum(one: Setting) -> bool:
    return issubclass(one.kind, enum.Enum)


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value
