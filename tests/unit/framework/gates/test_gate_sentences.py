"""What the activity says of gates."""

import dataclasses

from framework.gates.gate_sentences import describe
from prevs.gates import GateRecord, Proposal, Revision, Rule, Target

RULES = (Rule("/", (Target("main", 9000), Target("pr-7", 1000))), Rule("/v1", (Target("v1"),)))
NEW = GateRecord(
    "api", "shop", Revision(0, ()), proposal=Proposal(Revision(1, RULES), awaited=("main", "v1"))
)
GATE = dataclasses.replace(NEW, revision=Revision(1, RULES, by="ada"), proposal=None)


def say(before: GateRecord | None, now: GateRecord) -> list[tuple[str, str, str]]:
    return list(describe([(before, now)], []))


def test_a_change_waits_and_comes_into_force() -> None:
    assert say(None, NEW) == [("shop", "gate api waits with revision 1 for main, v1", "api")]
    assert say(NEW, GATE) == [
        ("shop", "gate api has revision 1 by ada: / to main or pr-7, /v1 to v1", "api")
    ]
    assert say(GATE, dataclasses.replace(GATE, keep=True)) == []
    assert list(describe([], [GATE])) == [("shop", "gate api was removed", "api")]


def test_a_change_that_comes_to_nothing_says_why() -> None:
    failed = dataclasses.replace(
        GATE, proposal=Proposal(Revision(2, RULES), failure="v2 (5c80e7d) has failed.")
    )
    (told,) = say(GATE, failed)
    assert told[1] == "gate api stays as it is, without revision 2: v2 (5c80e7d) has failed."
    assert say(failed, dataclasses.replace(failed, created=1.0)) == []


def test_of_many_rules_some_are_named() -> None:
    many = tuple(Rule(f"/v{number}", (Target("main"),)) for number in range(9))
    ((_, told, _),) = say(None, dataclasses.replace(GATE, revision=Revision(2, many)))
    assert told == "gate api has revision 2: /v0 to main, /v1 to main, /v2 to main, 6 more"
    ((_, told, _),) = say(None, dataclasses.replace(GATE, revision=Revision(2, many[:3])))
    assert told == "gate api has revision 2: /v0 to main, /v1 to main, /v2 to main"


def test_a_gate_of_a_stack_says_nothing_and_the_others_do() -> None:
    of_stack = dataclasses.replace(GATE, stack="site")
    other = dataclasses.replace(GATE, name="web")
    leads = "has revision 1 by ada: / to main or pr-7, /v1 to v1"
    assert list(describe([(None, of_stack), (None, other)], [])) == [
        ("shop", f"gate web {leads}", "web")
    ]
    assert list(describe([], [of_stack, other])) == [("shop", "gate web was removed", "web")]
