"""Gates whose branches go and come back, as functions of values."""

import dataclasses
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from framework.gates import deleted_branches, history
from prevs.gates import LOTS, GateRecord, Proposal, Revision, Rule, Target
from prevs.records import PreviewRecord
from prevs.states import State

A, B, C = "a" * 40, "b" * 40, "c" * 40
LABELS = ["main", "canary", "pr-7", "v1", A, B[:7]]
SHARES = [(LOTS,), (9000, 1000), (8000, 1500, 500)]


def preview(sha: str, *labels: str, state: State = State.STOPPED, **more: object) -> PreviewRecord:
    fields: dict[str, object] = {"created": 1.0, "changed": 1.0, "last_used": 1.0, **more}
    return PreviewRecord("shop", sha, state, labels=labels, **fields)  # type: ignore[arg-type]


@st.composite
def rules(draw: st.DrawFn) -> tuple[Rule, ...]:
    paths = draw(st.lists(st.sampled_from(["/", "/v1", "/v2"]), min_size=1, unique=True))
    made = []
    for path in paths:
        weights = draw(st.sampled_from(SHARES))
        labels = draw(st.permutations(LABELS))[: len(weights)]
        made.append(Rule(path, tuple(map(Target, labels, weights))))
    return tuple(made)


HEADS = st.sets(st.sampled_from(["main", "canary", "pr-7", "v1"]))
LEADS = st.dictionaries(st.sampled_from(LABELS[:4]), st.sampled_from([A, B, C]))


@given(rules(), st.lists(HEADS, min_size=1, max_size=5), LEADS)
def test_each_label_is_there_or_stays_at_what_was_known_whatever_comes_and_goes(
    written: tuple[Rule, ...], fetched: Sequence[set[str]], leads: Mapping[str, str]
) -> None:
    gate = GateRecord("api", "shop", Revision(1, written))
    for now, there in enumerate(fetched):
        gate = deleted_branches.follow(gate, there, leads, float(now))
        branches = {label for rule in written for label in (one.label for one in rule.to)}
        branches -= {A, B[:7]}  # a commit's id never goes
        assert gate.gone.keys() == branches - there
        for label in gate.gone:
            assert gate.revision.commits.get(label) == leads.get(label)
        assert gate.revision.rules == written
        assert deleted_branches.follow(gate, there, leads, now + 9.0) is gate


@given(rules(), st.sets(st.sampled_from(LABELS[1:4])))
def test_a_share_is_handed_over_whole(written: tuple[Rule, ...], gone: set[str]) -> None:
    handed = deleted_branches.hand_over(written, gone, "main")
    for before, after in zip(written, handed, strict=True):
        assert sum(one.weight for one in after.to) == LOTS
        shares = {one.label: one.weight for one in after.to}
        assert gone.isdisjoint(shares)
        for one in before.to:
            if one.label not in gone and one.label != "main":
                assert shares[one.label] == one.weight


def test_a_label_leads_to_what_runs_then_to_what_ran_last_then_to_what_was_noted() -> None:
    gate = GateRecord("api", "shop", Revision(1, (), commits={"canary": C, "v1": B}))
    old, new = preview(A, "canary", changed=1.0), preview(B, "canary", changed=2.0)
    noted = preview(C)

    def find(*previews: PreviewRecord) -> Mapping[str, str]:
        return deleted_branches.find_commits(gate, previews, ["canary", "v1"])

    assert find(dataclasses.replace(old, state=State.RUNNING), new, noted) == {"canary": A, "v1": B}
    assert find(old, new, noted)["canary"] == B
    assert find(noted) == {"canary": C}  # nothing is known of v1's commit
    instance = dataclasses.replace(new, instance="canary--shop")
    assert find(instance) == {}


def test_gates_keep_what_they_lead_to_what_waits_and_what_may_be_rolled_back_to() -> None:
    def revision(number: int, label: str, sha: str) -> Revision:
        return Revision(number, (Rule("/", (Target(label),)),), commits={label: sha})

    gate = GateRecord(
        "api",
        "shop",
        revision(2, "main", A),
        earlier=(revision(1, "old", B),),
        proposal=Proposal(revision(3, "next", C)),
    )
    kept = deleted_branches.list_kept([gate])
    assert set(kept.labels) == {"main", "old", "next"}
    assert set(kept.commits) == {A, B, C}
    assert kept.has(preview(A))
    assert kept.has(preview("d" * 40, "next"))
    assert not kept.has(preview("d" * 40, "other"))
    assert not any(deleted_branches.list_kept([]))


def test_a_change_forgets_the_labels_that_it_leads_no_longer_to() -> None:
    to = (Target("main", 9000), Target("canary", 1000))
    before = GateRecord(
        "api",
        "shop",
        Revision(1, (Rule("/", to),), commits={"canary": B}),
        gone={"canary": 5.0},
    )
    again = Revision(2, (Rule("/v1", to),))
    followed = history.follow(dataclasses.replace(before, revision=again, gone={}), before)
    assert (followed.gone, followed.revision.commits) == ({"canary": 5.0}, {"canary": B})
    without = Revision(2, (Rule("/", (Target("main"),)),))
    followed = history.follow(dataclasses.replace(before, revision=without, gone={}), before)
    assert (followed.gone, followed.revision.commits) == ({}, {})
