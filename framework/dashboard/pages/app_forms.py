"""Settings of apps as people type them. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, TypeAdapter, ValidationError

from framework.apps.manifest import declared
from framework.errors import InvalidSettings
from framework.http_api.http import field_problems
from framework.http_api.models import app_models
from prevs.declarations import list_settings
from prevs.records import AppRecord

_SETTINGS = list_settings(AppRecord)
_LISTS = frozenset(one.name for one in _SETTINGS if one.is_list)
_NAMES = ("name", *(one.name for one in _SETTINGS))
_CHANGES: TypeAdapter[Any] = TypeAdapter(app_models.AppChanges)


class Filled(NamedTuple):
    """A form as somebody has filled it in, and what is wrong with it, by field."""

    values: Mapping[str, str]
    problems: Mapping[str, str] = {}


def empty() -> Filled:
    """Return the form of a new app, with the default settings."""
    usual = AppRecord("", "")
    return Filled({name: _write(getattr(usual, name)) for name in _NAMES})


def filled(app: AppRecord) -> Filled:
    """Return the form of an app's current settings."""
    return Filled({name: _write(getattr(app, name)) for name in _NAMES})


def fill(form: Mapping[str, str]) -> Filled:
    """Return the form of a new app as somebody has filled it in."""
    return Filled({name: form.get(name, "") for name in _NAMES})


def read_new(form: Mapping[str, str]) -> AppRecord | Filled:
    """Return the app that a form describes, or the form with what is wrong with it."""
    return _read_terms(form, app_models.AppSettings)


def read_unnamed(form: Mapping[str, str]) -> AppRecord | Filled:
    """Return the same for an app that needs no name yet, and gets none."""
    return _read_terms(form, app_models.AppTerms)


def _read_terms(form: Mapping[str, str], model: type[BaseModel]) -> AppRecord | Filled:
    typed = {name: form.get(name, "") for name in _NAMES if name in model.model_fields}
    given = {name: _read(name, text) for name, text in typed.items() if text.strip()}
    try:
        settings = model.model_validate(given, strict=False).model_dump()
    except ValidationError as error:
        return fill(form)._replace(problems=explain(error))
    return AppRecord(settings.get("name", ""), **declared.read(AppRecord, settings))


def read_changes(form: Mapping[str, str]) -> dict[str, object] | Filled:
    """Return the settings that somebody has changed, or the form with what is wrong with it.

    For each field the form also has the value that was shown. So fields that were not changed here
    keep their value, also if somebody else has changed it since.
    """
    values = {name: form[name] for name in _NAMES if name in form}
    touched = {
        name: _read(name, text)
        for name, text in values.items()
        if name != "name" and _lines(text) != _lines(form.get(f"was-{name}", ""))
    }
    try:
        changes = _CHANGES.validate_python(touched, strict=False)
    except ValidationError as error:
        return Filled(values, explain(error))
    return declared.read(AppRecord, changes)


def explain(error: ValidationError) -> dict[str, str]:
    """Return what is wrong, by field."""
    problems: dict[str, str] = {}
    for problem in field_problems.read(
        [{**one, "loc": ("form", *one["loc"])} for one in error.errors()]
    ):
        problems.setdefault(problem.field.partition(".")[0], problem.message)
    return problems


def by_field(error: InvalidSettings) -> dict[str, str]:
    """Return what is wrong, by field, of settings that the service has refused."""
    return {problem.field: problem.message for problem in error.problems}


def _read(name: str, text: str) -> object:
    return _lines(text) if name in _LISTS else text.strip()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _write(value: object) -> str:
    return "\n".join(value) if isinstance(value, tuple) else f"{value}"
