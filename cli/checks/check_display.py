"""What a check has found, as tables and sentences."""

import shlex
from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from cli.client.generated.records import (
    Check,
    CheckedContainer,
    CheckedNote,
    CheckedRecipe,
    Plan,
    Unrecognised,
)
from cli.display.columns import cell, new_details, new_table
from cli.display.sentences import duration
from cli.display.terminal import one_line


def details(found: Check) -> Table:
    """Return what is known of the commit as a whole."""
    plan = found["plan"]
    rows = [("commit", found["sha"][:12])]
    return new_details([*rows, *(_list_rows(plan) if plan else ())])


def _list_rows(plan: Plan) -> Iterator[tuple[str, object]]:
    recipe = plan["recipe"]
    yield "built from", _describe_recipe(recipe) if recipe else plan["source"]
    yield "port", plan["port"]
    limit = duration(round(plan["start_limit"]))
    yield "health check", f"{plan['health']} answers within {limit}"
    yield "needs", f"{plan['cpus']:g} CPUs and {plan['mem']} MB"
    yield "runs before", "; ".join(map(shlex.join, plan["hooks"]))
    yield "made of", ", ".join(plan["watch"])


def _describe_recipe(recipe: CheckedRecipe) -> str:
    why = f", as there is {', '.join(recipe['why'])}" if recipe["why"] else ""
    return f"a Dockerfile that prevs writes for {recipe['name']}{why}"


def containers(listed: Iterable[CheckedContainer]) -> Table:
    """Return a row for each container."""
    table = new_table("CONTAINER", "FROM", "PORT", "CPUS", "MEM", cut=("VOLUMES", "COMMAND"))
    for one in listed:
        mem = f"{one['mem']} MB"
        command = shlex.join(one["command"])
        cells = (one["name"], _origin(one), one["port"] or "", f"{one['cpus']:g}", mem)
        table.add_row(*map(cell, (*cells, ", ".join(one["volumes"]), command)))
    return table


def _origin(one: CheckedContainer) -> str:
    origin = one["image"] or one["dockerfile"] or "the Dockerfile of prevs"
    return f"{origin} ({one['target']})" if one["target"] else origin


def list_sections(found: Check) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield titles with the sentences below them."""
    if unknown := found["unrecognised"]:
        yield from _list_unknown(unknown)
    if notes := found["notes"]:
        yield "Notes", [_place(one) for one in notes]
    if mistakes := found["mistakes"]:
        yield "Mistakes", [_place(one) for one in mistakes]


def _list_unknown(unknown: Unrecognised) -> Iterator[tuple[str, Sequence[str]]]:
    yield "Looked for", _clean(unknown["looked_for"])
    if unknown["found"]:
        yield "Found", _clean(unknown["found"])
    if unknown["near"]:
        yield "Nearly", _clean(unknown["near"])
    yield "Ways on", _clean(unknown["ways"])


def _clean(lines: Iterable[str]) -> list[str]:
    return [one_line(line) for line in lines]


def _place(one: CheckedNote) -> str:
    place = ":".join(str(part) for part in (one["file"], one["line"]) if part)
    return one_line(f"{place}: {one['message']}" if place else one["message"])


def explain(found: Check) -> tuple[str, str]:
    """Return why a commit would not run, and the next step."""
    if unknown := found["unrecognised"]:
        return unknown["why"], "Take one of the ways on, push, and check it again."
    count = len(found["mistakes"])
    which = "1 mistake keeps" if count == 1 else f"{count} mistakes keep"
    return f"{which} this commit from being built.", "Correct this, push, and check it again."
