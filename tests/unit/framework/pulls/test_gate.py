import dataclasses

import pytest

from framework.pulls import gate
from framework.pulls.errors import NeedsNoApproval, NotApproved, NotTheHead
from framework.pulls.gate import Rules, Verdict
from prevs.pulls import PullRecord

HEAD, OTHER = "5c80e7d1" * 5, "5c80e7d2" * 5
OWN = PullRecord("shop", 7, HEAD, "pull/7/head", is_fork=False)
FORK = PullRecord("shop", 7, HEAD, "pull/7/head")
APPROVED = dataclasses.replace(FORK, approved_commit=HEAD)
MEMBERS = dataclasses.replace(FORK, may_write=True)
TRUSTED, PASSES, WAITS, REFUSED = (
    Verdict.TRUSTED,
    Verdict.APPROVED,
    Verdict.WAITING,
    Verdict.REFUSED,
)


@pytest.mark.parametrize(
    ("rules", "pull", "verdict"),
    [
        (Rules("off", "members"), OWN, REFUSED),
        (Rules("branches", "never"), OWN, TRUSTED),
        (Rules("branches", "members"), MEMBERS, REFUSED),
        (Rules("branches", "approve"), APPROVED, REFUSED),
        (Rules("all", "never"), OWN, TRUSTED),
        (Rules("all", "never"), APPROVED, REFUSED),
        (Rules("all", "never"), MEMBERS, REFUSED),
        (Rules("all", "approve"), FORK, WAITS),
        (Rules("all", "approve"), MEMBERS, WAITS),
        (Rules("all", "approve"), APPROVED, PASSES),
        (Rules("all", "members"), MEMBERS, TRUSTED),
        (Rules("all", "members"), FORK, WAITS),
        (Rules("all", "members"), APPROVED, PASSES),
    ],
)
def test_the_gate(rules: Rules, pull: PullRecord, verdict: Verdict) -> None:
    assert gate.judge(rules, pull, HEAD) is verdict
    closed = dataclasses.replace(pull, closed=1.0)
    assert gate.judge(rules, closed, HEAD) is REFUSED
    other = gate.judge(rules, pull, OTHER)
    assert other is (WAITS if verdict is PASSES else verdict)
    if verdict.passes:
        assert gate.check(rules, pull, HEAD) is (verdict is PASSES)
    else:
        with pytest.raises(NotApproved):
            gate.check(rules, pull, HEAD)


def test_who_waits_reads_how_to_go_on() -> None:
    text = gate.explain(Rules("all", "approve"), FORK, HEAD)
    assert f"`/prevs approve {HEAD}`" in text
    assert f"`prevs approve shop 7 --commit {HEAD}`" in text
    assert "--forks approve" in gate.explain(Rules("all", "never"), FORK, HEAD)


def test_only_the_head_of_what_waits_is_approved() -> None:
    rules = Rules("all", "approve")
    for commit in (OTHER, HEAD[:12], ""):
        with pytest.raises(NotTheHead, match=HEAD):
            gate.approve(rules, FORK, commit, by="ada", now=5.0)
    approved = gate.approve(rules, FORK, HEAD, by="ada", now=5.0)
    assert (approved.approved_commit, approved.approved_by) == (HEAD, "ada")
    assert gate.approve(rules, approved, HEAD, by="bob", now=6.0) is approved
    for other in (OWN, dataclasses.replace(FORK, closed=1.0)):
        with pytest.raises(NeedsNoApproval):
            gate.approve(rules, other, HEAD, by="ada", now=5.0)
