"""The check of gates: whether a change of one has failed, and whether each proxy has it."""

from collections.abc import Sequence

from cli.client.generated.records import Gate
from cli.display.sentences import counted
from cli.doctor.findings import Finding, ok, warning


def judge_gates(gates: Sequence[Gate]) -> list[Finding]:
    """Return what is wrong with gates, or that nothing is; nothing if there are none."""
    found = [finding for gate in gates for finding in _judge(gate)]
    if found or not gates:
        return found
    return [ok("gates", f"{counted(gates, 'gate is', 'gates are')} in force at all proxies.")]


def _judge(gate: Gate) -> list[Finding]:
    part, name, proposal = f"gate {gate['name']}", gate["name"], gate["proposal"]
    found = []
    if proposal is not None and proposal["failure"]:
        message = f"Revision {proposal['revision']} is not in force. {proposal['failure']}"
        up = f"prevs gate {'rollback' if gate['revision'] else 'rm'} {name}"
        found.append(warning(part, message, f"Write a new change, or give this one up: `{up}`."))
    if gate["behind"]:
        message = f"{gate['behind']} of the proxies do not choose by revision {gate['revision']}."
        advice = "Read their logs."
        found.append(warning(part, message, advice))
    return found
