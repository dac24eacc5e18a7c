"""What the doctor says of gates."""

from typing import Any

from cli.client.generated.records import Gate, GateProposal
from cli.doctor.findings import Level
from cli.doctor.judgements import judge_gates


def proposal(**changes: Any) -> GateProposal:
    rules: dict[str, Any] = {"rules": [], "override": [], "unknown": None, "hosts": []}
    made: dict[str, Any] = {"revision": 8, "changed": None, "by": "ada", "keep": False, **rules}
    return GateProposal(**{**made, "awaits": [], "failure": "", **changes})  # type: ignore[typeddict-item]


def gate(**changes: Any) -> Gate:
    revision: dict[str, Any] = {**proposal(), "revision": 7, "changed": 1.0}
    del revision["awaits"], revision["failure"]
    own = {"name": "api", "app": "shop", "url": "http://api.localhost:8080/", "earlier": []}
    return Gate(**{**revision, **own, "behind": 0, "leads": [], "proposal": None, **changes})  # type: ignore[typeddict-item]


def test_gates_that_are_in_force_are_well_and_without_gates_nothing_is_said() -> None:
    [found] = judge_gates([gate(), gate(name="web", proposal=proposal(), behind=None)])
    assert (found.level, found.message) == (Level.OK, "2 gates are in force at all proxies.")
    assert judge_gates([]) == []


def test_a_change_that_has_failed_and_a_proxy_that_is_behind_want_a_look() -> None:
    failed = proposal(failure="v2 (5c80e7d) has failed.")
    first, second = judge_gates([gate(proposal=failed, behind=2)])
    assert (first.level, second.level) == (Level.WARNING, Level.WARNING)
    assert first.message == "Revision 8 is not in force. v2 (5c80e7d) has failed."
    assert "give this one up: `prevs gate rollback api`." in first.advice
    assert second.message == "2 of the proxies do not choose by revision 7."
    [new] = judge_gates([gate(revision=0, behind=None, proposal=failed)])
    assert "give this one up: `prevs gate rm api`." in new.advice
