"""The page of all settings, from the classes that read them."""

import typing
from collections.abc import Iterable
from typing import Any

import annotated_types
import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cli.commands.apps import add
from docs.generated.tables import amount, code, table
from executor.config import VARIABLES
from framework.http_api.models.app_models import AppSettings
from framework.settings import Settings as FrameworkSettings
from local.console.commands import up
from program.settings.environment import PREFIX
from proxy.settings import Settings as ProxySettings

_INTRODUCTION = """\
---
search:
  boost: 2
---
# Every setting

This page is generated from the code, so it matches this version. Framework, executor and proxy
read environment variables; an empty one counts as not set. Each program reports every problem of
its settings at once and exits with code 2.

[Install on a cluster](operating/install.md) says which settings you need.
"""
_EXECUTOR = """\
Agents start the executor. Its environment is the one that they give all executors
(`--executor_environment_variables`).
"""
_APP = """\
Set by `prevs app add` and `prevs app set`, on the dashboard, or by the API (`POST /v1/apps`,
`PATCH /v1/apps/{app}`). A change applies to previews that start from then on.
"""
_LOCAL = """\
The options of `prevs local up`, which sets everything above by itself; `make up UP='--port 8081'`
passes them on.
"""
_KINDS = {
    list: "list",
    bool: "`yes` or `no`",
    int: "whole number",
    float: "number",
}


def page() -> str:
    """Return the page in Markdown."""
    head = ("variable", "meaning", "default and allowed values")
    parts = [
        _INTRODUCTION,
        "## Framework",
        "`python -m framework`, one or several.",
        *table(head, _variables(FrameworkSettings, "framework")),
        "## Proxy",
        "`python -m proxy`, any number.",
        *table(head, _variables(ProxySettings, "proxy")),
        "## Executor",
        _EXECUTOR,
        *table(
            ("variable", "meaning", "default"),
            [[_anchored(v.name, "executor"), v.meaning, v.default] for v in VARIABLES],
        ),
        "## An app",
        _APP,
        *table(("setting", "option", "meaning", "default and allowed values"), _app_settings()),
        "## One machine",
        _LOCAL,
        *table(("option", "meaning", "default and allowed values"), _local_options()),
    ]
    return "\n".join(parts)


def _variables(model: type[BaseModel], program: str) -> Iterable[list[str]]:
    needed_first = sorted(model.model_fields.items(), key=lambda item: not item[1].is_required())
    for name, field in needed_first:
        yield [
            _anchored(PREFIX + name.upper(), program),
            _says(field),
            _values(field),
        ]


def _app_settings() -> Iterable[list[str]]:
    options = {param.name: param.opts[0] for param in add.params if isinstance(param, click.Option)}
    for name, field in AppSettings.model_fields.items():
        option = options.get(name)
        yield [code(name), code(option or ""), _says(field), _values(field)]


def _local_options() -> Iterable[list[str]]:
    for param in up.params:
        if isinstance(param, click.Option):
            limit = ""
            if isinstance(param.type, click.IntRange | click.FloatRange):
                limit = _limit(param.type.min, param.type.max)
            told = isinstance(param.default, int | float | str) and not param.is_flag
            value = code(param.default) if told else ""
            name = " ".join(code(opt) for opt in (*param.opts, *param.secondary_opts))
            yield [name, param.help or "", "; ".join(filter(None, (value, limit)))]


def _says(field: FieldInfo) -> str:
    example = f" For example {code(field.examples[0])}." if field.examples else ""
    return f"{field.description}{example}"


def _values(field: FieldInfo) -> str:
    return "; ".join(part for part in (_default(field), _takes(field)) if part)


def _takes(field: FieldInfo) -> str:
    """Return in words what a setting may be, where that does not go without saying."""
    if typing.get_origin(field.annotation) is typing.Literal:
        return " or ".join(code(value) for value in typing.get_args(field.annotation))
    kind = next((word for cls, word in _KINDS.items() if _is(field.annotation, cls)), "")
    least: Any = None
    greatest: Any = None
    longest: int | None = None
    for rule in field.metadata:
        match rule:
            case annotated_types.Ge(ge=bound):
                least = bound
            case annotated_types.Le(le=bound):
                greatest = bound
            case annotated_types.MaxLen(max_length=bound):
                longest = bound
    unit = "entries" if kind == "list" else "characters"
    long = f"at most {longest} {unit}" if longest else ""
    return ", ".join(part for part in (kind, _limit(least, greatest), long) if part)


def _default(field: FieldInfo) -> str:
    """Return what holds where nothing is said."""
    if field.is_required():
        return "**needed**"
    if field.default is None or field.default in ("", (), []):
        return "none"
    if isinstance(field.default, bool):
        return code("yes" if field.default else "no")
    return code(f"{field.default:g}" if isinstance(field.default, float) else field.default)


def _is(annotation: Any, cls: type) -> bool:
    """Tell whether a type is `cls`, or made of it."""
    if cls in {annotation, typing.get_origin(annotation)}:
        return True
    return any(_is(inner, cls) for inner in typing.get_args(annotation))


def _limit(least: float | None, greatest: float | None) -> str:
    if least is None:
        return "" if greatest is None else f"at most {amount(greatest)}"
    if greatest is None:
        return f"at least {amount(least)}"
    return f"{amount(least)} to {amount(greatest)}"


def _anchored(variable: str, program: str) -> str:
    return f"{code(variable)}{{ #{program}-{variable.lower()} }}"
