"""The tables of stacks, their members and their variants."""

from collections.abc import Iterable

from rich.table import Table

from cli.client.generated.records import Stack, StackMember, StackVariant, VariantMember
from cli.display.columns import cell, new_details, new_table, state_cell
from cli.display.sentences import ago
from cli.stacks import stack_sentences as sentences
from prevs import names


def stacks(listed: Iterable[Stack]) -> Table:
    """Return a row for each stack."""
    table = new_table("NAME", "ENTRY", "ADDRESS", "VARIANTS", prose="MEMBERS")
    for one in listed:
        cells = [one["name"], one["entry"], one["url"], len(one["variants"])]
        table.add_row(*map(cell, [*cells, sentences.list_members(one)]))
    return table


def details(stack: Stack, now: float) -> Table:
    """Return what a stack is, one thing a row."""
    return new_details(
        [
            ("name", stack["name"]),
            ("entry", stack["entry"]),
            ("address", stack["url"]),
            ("written", f"{ago(stack['changed'], now)} by {stack['by']}"),
        ]
    )


def members(listed: Iterable[StackMember]) -> Table:
    """Return a row for each member, as it is without a variant."""
    table = new_table("MEMBER", "APP", "LABEL", "VARIABLE", "ADDRESS")
    for one in listed:
        table.add_row(
            *map(cell, [one[key] for key in ("member", "app", "label", "variable", "url")])
        )
    return table


def variants(listed: Iterable[StackVariant], now: float) -> Table:
    """Return a row for each open variant, with what is apart in it."""
    table = new_table("VARIANT", "ADDRESS", cut=("OPENED", "BY"), prose="APART")
    for one in listed:
        pinned = "pinned; " if one["pinned"] else ""
        cells = [one["name"], one["url"], ago(one["opened"], now), one["by"]]
        table.add_row(*map(cell, [*cells, f"{pinned}{sentences.apart(one)}"]))
    return table


def variant_details(variant: StackVariant, now: float) -> Table:
    """Return what a variant is, one thing a row."""
    return new_details(
        [
            ("variant", variant["name"]),
            ("stack", variant["stack"]),
            ("follows", sentences.follows(variant)),
            ("address", variant["url"]),
            ("opened", ago(variant["opened"], now)),
            ("by", variant["by"]),
            ("pinned", "yes" if variant["pinned"] else ""),
            ("proxies", sentences.proxies(variant)),
        ]
    )


def variant_members(listed: Iterable[VariantMember]) -> Table:
    """Return a row for each member of a variant, with its preview."""
    whole = ("MEMBER", "LABEL", "PREVIEW", "STATE", "COMMIT", "ADDRESS")
    table = new_table(*whole, cut=("APP",), prose="NOTES")
    for one in listed:
        state = state_cell(one["state"] or "not started")
        where = [one["member"], one["label"], "own" if one["apart"] else "shared"]
        commit = names.short(one["commit"] or "")
        more = [one["url"], one["app"], sentences.reason(one)]
        table.add_row(*map(cell, [*where, state, commit, *more]))
    return table
