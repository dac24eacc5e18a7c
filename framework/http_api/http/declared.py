"""Types of the API's models, made from the settings that a record declares."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model
from typing_extensions import TypedDict

from framework.http_api.http.parameters import WHOLE
from prevs.declarations import Setting, list_settings

_create: Any = create_model
_typed_dict: Any = TypedDict
Checks = Mapping[str, AfterValidator]
"""The checks of settings' values, by name, where bounds do not say all."""
Types = Mapping[str, Any]
"""The types of settings' values, by name, where the framework alone knows the choices."""


def order_of(record: type, checks: Checks, types: Types) -> Any:
    """Return a model with all settings: those without a default have to be given."""
    fields = {
        one.name: (_order_type(one, checks, types), ... if one.is_required else _plain(one.default))
        for one in list_settings(record)
    }
    return _create("_Order", **fields)


def changes_of(record: type, checks: Checks, types: Types) -> Any:
    """Return a TypedDict with any of the settings."""
    fields = {one.name: _order_type(one, checks, types) for one in list_settings(record)}
    return _typed_dict("_Changes", fields, total=False)


def answer_of(record: type, types: Types) -> Any:
    """Return a model with the values of all settings."""
    fields = {
        one.name: (_listed(one, _kind(one, types), Field(description=one.about.text)), ...)
        for one in list_settings(record)
    }
    return _create("_Answer", **fields)


def examples(record: type) -> dict[str, Any]:
    """Return the example of each setting."""
    return {one.name: _plain(one.about.example) for one in list_settings(record)}


def _order_type(one: Setting, checks: Checks, types: Types) -> Any:
    about, check = one.about, checks.get(one.name)
    bounds: dict[str, Any] = {
        **({"ge": about.least, "le": about.most} if one.kind in (int, float) else {}),
        **({"max_length": about.longest} if about.longest else {}),
        **({"allow_inf_nan": False} if one.kind is float else {}),
    }
    extra: dict[str, Any] = {
        **({"format": about.form} if about.form else {}),
        **({"minLength": 1} if about.form and one.default != "" else {}),
        **({"pattern": about.pattern} if about.pattern else {}),
    }
    more = [*([check] if check else []), *([WHOLE] if one.kind is int else [])]
    value: Any = Annotated[
        _kind(one, types), Field(**bounds, json_schema_extra=extra or None), *more
    ]
    return _listed(one, value, Field(max_length=about.most_items, description=about.text))


def _listed(one: Setting, value: Any, field: Any) -> Any:
    items: Any = list
    return Annotated[items[value] if one.is_list else value, field]


def _kind(one: Setting, types: Types) -> Any:
    if one.name in types:
        return types[one.name]
    return Literal[tuple(one.about.choices)] if one.about.choices else one.kind


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
