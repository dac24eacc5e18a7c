"""Options of commands, made from the settings that a record declares."""

from collections.abc import Callable
from typing import Any

import click

from prevs.declarations import Setting

_REPEATABLE = " Repeatable; '' for none."


def option_of(one: Setting) -> Callable[[Any], Any]:
    """Return the decorator that adds a setting's option to a command."""
    about = one.about
    option = about.option or f"--{one.name.replace('_', '-')}"
    choices = [*about.choices, *([""] if one.is_list and about.choices else [])]
    return click.option(
        option,
        one.name,
        type=click.Choice(choices) if choices else one.kind,
        multiple=one.is_list,
        metavar=about.metavar or _unit(about.unit),
        help=f"{about.text}{_for_example(one)}{_REPEATABLE if one.is_list else ''}",
    )


def _unit(unit: str) -> str | None:
    return unit.upper() or None


def _for_example(one: Setting) -> str:
    """Return what a text may look like, where its type does not say it."""
    if not one.is_list or one.about.choices:
        return ""
    return " For example " + ", ".join(f"'{text}'" for text in one.about.example) + "."
