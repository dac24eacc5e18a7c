"""Options of the command line, made from the settings that a record declares."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from prevs.declarations import Setting


def option_of(one: Setting, **more: Any) -> Callable[[Any], Any]:
    """Return the decorator that adds a setting's option to a command. The API checks its value.

    `more` is as for click.option.
    """
    about = one.about
    name = about.option or f"--{one.name.replace('_', '-')}"
    if one.kind is bool:
        if one.default is True:
            off = f"--no-{name.removeprefix('--')}"
            text = f"{one.order_text} With this option it does not."
            return click.option(off, one.name, flag_value=False, default=None, help=text, **more)
        return click.option(name, one.name, is_flag=True, help=one.order_text, **more)
    choices = [*about.choices, *([""] if one.is_list and about.choices else [])]
    return click.option(
        name,
        one.name,
        type=click.Choice(choices) if choices else one.written_kind,
        multiple=one.is_list,
        metavar=about.metavar or about.unit.upper() or None,
        help=f"{one.order_text}{_for_example(one)}{_repeatable(one)}",
        **more,
    )


def _for_example(one: Setting) -> str:
    """Return what a text may look like, where its type does not say it."""
    example = one.about.example
    if one.kind is not str or one.about.choices or not example or example == one.default:
        return ""
    return " For example " + ", ".join(f"'{text}'" for text in _several(example)) + "."


def _several(example: Any) -> Sequence[Any]:
    return example if isinstance(example, tuple) else (example,)


def _repeatable(one: Setting) -> str:
    if not one.is_list:
        return ""
    return " Repeatable; '' for none." if one.kind is str else " Repeatable."
