"""Variables in the values of a compose file, as the Compose Specification means them. Pure."""

import re
from collections.abc import Container, Mapping
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_FORM = re.compile(r"(:?[-?+])", re.ASCII)
_DEEPEST = 10
_LONGEST = 60
MOST_TEXT = 131_072
"""How many characters a text may have with its variables' values, and all values of a file."""


class WrongForm(Exception):
    """A variable that cannot be read, or is missing; the message is the rest of a sentence."""

    def __init__(self, why: str, *, is_missing: bool = False) -> None:
        super().__init__(why)
        self.is_missing = is_missing


class Filled(NamedTuple):
    """A text with its variables' values; `missing` are those that nobody sets."""

    text: str
    missing: tuple[str, ...] = ()


def fill(
    text: str, values: Mapping[str, str], promised: Container[str] = (), depth: int = 0
) -> Filled:
    """Return a text with the values of its variables. Raises WrongForm.

    Those that are `promised` get a value later, so they may be missing where one must be set.
    """
    if depth > _DEEPEST:
        raise WrongForm("has variables that are nested too deeply")
    parts: list[str] = []
    missing: list[str] = []
    at = size = 0
    while (found := text.find("$", at)) >= 0:
        parts.append(text[at:found])
        at = found + 1
        if text.startswith("$", at):
            one, at = Filled("$"), at + 1
        elif text.startswith("{", at):
            end = _find_end(text, at + 1)
            one, at = _fill_form(text[at + 1 : end], values, promised, depth), end + 1
        elif name := _NAME.match(text, at):
            one, at = _look_up(name[0], values), name.end()
        else:
            raise WrongForm("has a $ that begins no variable: write $$ for a $")
        parts.append(one.text)
        size += len(one.text)
        if size > MOST_TEXT:
            raise WrongForm(f"has more than {MOST_TEXT:,} characters with its variables' values")
        missing.extend(one.missing)
    return Filled("".join((*parts, text[at:])), tuple(missing))


def _look_up(name: str, values: Mapping[str, str]) -> Filled:
    return Filled(values[name]) if name in values else Filled("", (name,))


def _find_end(text: str, start: int) -> int:
    """Return where the } is that closes a form."""
    depth, at = 1, start
    while at < len(text):
        if text.startswith("${", at):
            depth, at = depth + 1, at + 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return at
        at += 1
    raise WrongForm("has a ${ without its }: write $$ for a $")


def _fill_form(
    form: str, values: Mapping[str, str], promised: Container[str], depth: int
) -> Filled:
    name = _NAME.match(form)
    rest = form[name.end() :] if name else ""
    sign = _FORM.match(rest)
    if name is None or (rest and sign is None):
        raise WrongForm("has ${…} without a variable's name: write $$ for a $")
    if sign is None:
        return _look_up(name[0], values)
    value = values.get(name[0])
    is_there = bool(value) if sign[0].startswith(":") else value is not None
    other = rest[sign.end() :]
    if sign[0].endswith("+"):
        return fill(other, values, promised, depth + 1) if is_there else Filled("")
    if is_there:
        return Filled(value or "")
    if sign[0].endswith("-"):
        return fill(other, values, promised, depth + 1)
    if name[0] in promised:
        return Filled("", (name[0],))
    raise WrongForm(_explain(name[0], other), is_missing=True)


def _explain(name: str, message: str) -> str:
    said = f" ({message[:_LONGEST]})" if message and message.isprintable() else ""
    return (
        f"needs a value of {name[:_LONGEST]}{said}: commit an .env file beside it with a value for "
        "previews"
    )
