"""The tables of gates, their rules and their revisions."""

from collections.abc import Iterable, Mapping

from rich.table import Table

from cli.client.generated.records import EarlierRevision, Gate, GateLead, GateRule, TryAnswer
from cli.display.columns import cell, new_details, new_table
from cli.display.sentences import ago
from cli.gates import gate_sentences as sentences


def gates(listed: Iterable[Gate], now: float) -> Table:
    """Return a row for each gate."""
    table = new_table("NAME", "APP", "URL", "REVISION", cut=("CHANGED", "STATE"), prose="LEADS")
    for one in listed:
        cells = [one["name"], one["app"], one["url"], one["revision"] or "", _ago(one, now)]
        leads = "; ".join(
            filter(None, [sentences.leads(one["rules"]), sentences.describe_stack(one)])
        )
        table.add_row(*map(cell, [*cells, sentences.state(one), leads]))
    return table


def rules(listed: Iterable[GateRule]) -> Table:
    """Return a row for each rule."""
    table = new_table("PATH", "WHEN", "TO", cut=("STICKY",))
    for one in listed:
        sticky = one["sticky"] if len(one["to"]) > 1 else ""
        cells = [one["path"], sentences.when(one["when"]), sentences.targets(one["to"]), sticky]
        table.add_row(*map(cell, cells))
    return table


def leads(listed: Iterable[GateLead]) -> Table:
    """Return a row for each label: what it leads to."""
    table = new_table("LABEL", prose="LEADS TO")
    for one in listed:
        table.add_row(*map(cell, [sentences.shown_label(one["label"]), sentences.lead(one)]))
    return table


def variants(led: Mapping[str, str]) -> Table:
    """Return a row for each variant of its stack: the label to which a gate leads in it."""
    table = new_table("VARIANT", "TO")
    for variant, label in led.items():
        table.add_row(*map(cell, [variant, sentences.shown_label(label)]))
    return table


def revisions(listed: Iterable[EarlierRevision], now: float) -> Table:
    """Return a row for each earlier revision."""
    table = new_table("REVISION", "CHANGED", "BY", prose="LEADS")
    for one in listed:
        cells = [one["revision"], ago(one["changed"], now), one["by"]]
        table.add_row(*map(cell, [*cells, sentences.leads(one["rules"])]))
    return table


def details(gate: Gate, now: float) -> Table:
    """Return what a gate is, one thing a row."""
    return new_details(
        [
            ("name", gate["name"]),
            ("app", gate["app"]),
            ("stack", gate.get("stack", "")),
            ("url", gate["url"]),
            ("hosts", ", ".join(gate["hosts"])),
            ("revision", gate["revision"] or ""),
            ("changed", _ago(gate, now)),
            ("by", gate["by"]),
            ("state", sentences.state(gate)),
            ("keep", "what it leads to keeps running" if gate["keep"] else ""),
            (
                "deleted branches",
                "lead to the default branch" if gate.get("on_delete") == "default" else "",
            ),
            ("override", ", ".join(gate["override"])),
            ("unknown versions", "are refused (400)" if gate["unknown"] else ""),
        ]
    )


def tried(answer: TryAnswer) -> Table:
    """Return where a request goes, and why."""
    return new_details(
        [
            ("to", sentences.outcome(answer)),
            ("why", answer["why"]),
            ("vary", ", ".join(answer["vary"])),
        ]
    )


def _ago(gate: Gate, now: float) -> str:
    return "" if gate["changed"] is None else ago(gate["changed"], now)
