"""What is wrong with a key of a .prevs.toml, in a sentence that says what to write. Pure."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from framework.apps.manifest.keys import Top, find_table, list_tables

_WANTED = {
    "bool_type": "true or false, without quotes",
    "float_type": "a number, without quotes",
    "int_type": "a whole number, without quotes",
    "list_type": "a list in brackets",
    "string_type": "text in quotes",
    "dict_type": "a table of names and texts",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_TABLES = ("model_type", "model_attributes_type")
_BEYOND = {
    "greater_than_equal": "must be at least {ge:.12g}, not {given}",
    "less_than_equal": "must be at most {le:.12g}, not {given}",
    "too_short": "must not be empty",
    "too_long": "may have at most {max_length} entries",
    "string_too_long": "may have at most {max_length} characters",
}
_KINDS = {bool: "true or false", str: "text", list: "a list", dict: "a table"}
_LONGEST = 60


def explain(problem: Mapping[str, Any], path: Sequence[str | int]) -> str:
    """Return what is wrong, from an error of pydantic's and the path of keys to it."""
    name, kind, given = spell(path), problem["type"], problem["input"]
    if kind == "missing":
        return f"{name} is missing{_example(path, kind)}"
    if kind == "extra_forbidden":
        return f"{name} is not known{_suggest(path)}"
    if kind in _WANTED:
        what = _show(given) if type(given) in {int, float} else _name_kind(given)
        return f"{name} must be {_WANTED[kind]}, not {what}{_example(path, kind)}"
    if kind in _BEYOND:
        return f"{name} {_BEYOND[kind].format(given=_show(given), **problem['ctx'])}"
    return f"{name} {problem['msg']}"


def spell(path: Sequence[str | int]) -> str:
    """Return a path of keys as people write it, for example: hooks.prepare, entry 2."""
    keys = [_cut(part) for part in path if isinstance(part, str)]
    entries = [f", entry {part + 1}" for part in path if isinstance(part, int)]
    return ".".join(keys) + "".join(entries)


def _suggest(path: Sequence[str | int]) -> str:
    """Return what to write instead of an unknown key."""
    *inside, key = (str(part) for part in path)
    tables = list_tables()
    is_table = any(key == header.partition(".")[0] for header in tables)
    homes = [header for header, table in tables.items() if key in table.model_fields]
    if homes and not is_table:
        where = f"[{homes[0]}]" if homes[0] else "the top of the file, before any [table]"
        return f" here; it belongs in {where}"
    known = list((find_table(tuple(inside)) or Top).model_fields)
    if near := difflib.get_close_matches(key.lower(), known, n=1):
        return f"; did you mean {near[0]}?"
    where = f"[{spell(inside)}] has" if inside else "there are"
    return f"; {where} {', '.join(known)}"


def _example(path: Sequence[str | int], kind: str) -> str:
    """Return an example of how the key is written."""
    keys = [part for part in path if isinstance(part, str)]
    if kind in _TABLES:
        wanted = find_table(tuple(keys))
        header = next(header for header, table in list_tables().items() if table is wanted)
        return f": [{header}] on a line of its own, and its keys below it"
    table = find_table(tuple(keys[:-1]))
    field = table.model_fields.get(keys[-1]) if table and keys else None
    if field is not None and field.examples:
        return f": {keys[-1]} = {field.examples[0]}"
    return f': {_cut(keys[-1])} = "1"' if kind == "string_type" and keys else ""


def _name_kind(given: object) -> str:
    return _KINDS.get(type(given), "a date or time")


def _show(given: object) -> str:
    return _cut(f"{given:g}" if isinstance(given, float) else str(given))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
