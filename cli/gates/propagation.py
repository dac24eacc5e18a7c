"""Waits until a change of a gate is in force at all proxies."""

from cli.client.generated.records import Gate, GateProposal
from cli.command_context import CommandContext
from cli.display.output import note
from cli.errors import NotDone
from cli.gates import gate_sentences as sentences

_PAUSE = 0.5
_PROXY_SECONDS = 10.0
"""How long proxies may take; what is older than this version never tells."""


def await_proxies(context: CommandContext, changed: Gate) -> Gate:
    """Wait until what was `changed` is in force, and return the gate.

    Raises NotDone if it comes to nothing. On Ctrl-C the change goes on.
    """
    proposal = changed["proposal"]
    number = changed["revision"] if proposal is None else proposal["revision"]
    try:
        gate = _await_previews(context, changed, number)
        return _await_revision(context, gate)
    except KeyboardInterrupt:
        note(f"The change goes on. `prevs gate show {changed['name']}` shows how far it is.")
        raise


def _await_previews(context: CommandContext, gate: Gate, number: int) -> Gate:
    told: set[str] = set()
    while gate["revision"] != number:
        proposal = gate["proposal"]
        if proposal is None or proposal["revision"] != number:
            why = f"Somebody else has changed the gate {gate['name']} meanwhile."
            raise NotDone(why, f"`prevs gate show {gate['name']}` shows what it is now.")
        if proposal["failure"]:
            still = f"The gate {gate['name']} stays as it is."
            raise NotDone(f"{still} {proposal['failure']}")
        for line in _describe(proposal):
            if line not in told:
                told.add(line)
                note(line)
        context.pause(_PAUSE)
        gate = context.api.show_gate(gate["name"])
    return gate


def _await_revision(context: CommandContext, gate: Gate) -> Gate:
    number, until = gate["revision"], context.now() + _PROXY_SECONDS
    while gate["behind"] != 0 and gate["revision"] == number and context.now() < until:
        context.pause(_PAUSE)
        gate = context.api.show_gate(gate["name"])
    return gate


def _describe(proposal: GateProposal) -> list[str]:
    return [
        f"{sentences.shown_label(one['label'])}: {sentences.lead(one)}"
        for one in proposal["awaits"]
        if one["state"] != "running"
    ]
