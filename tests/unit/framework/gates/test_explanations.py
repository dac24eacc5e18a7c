"""Where a request is said to go is where it goes: `try` says what prevs/gate_rules.py decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.gates.explanations import find_outcome
from prevs.gate_rules import Refusal, Request, choose
from prevs.gates import LOTS, Revision, Rule, Target
from tests.fakes.random_gates import REQUESTS, REVISIONS


@given(REVISIONS, REQUESTS)
def test_a_request_is_said_to_go_where_it_goes(revision: Revision, request_: Request) -> None:
    said, chosen = find_outcome(revision, request_, is_lot_known=True), choose(revision, request_)
    assert said.vary == chosen.vary
    if isinstance(chosen, Refusal):
        assert (said.label, said.refusal) == (None, chosen)
    else:
        assert (said.label, said.rule, said.refusal) == (chosen.label, chosen.rule, None)
    assert said.why.endswith(".")


@given(REVISIONS, REQUESTS, st.integers(0, LOTS - 1))
def test_without_a_lot_it_is_said_to_go_to_one_of_the_targets(
    revision: Revision, request_: Request, lot: int
) -> None:
    said = find_outcome(revision, request_, is_lot_known=False)
    chosen = choose(revision, request_._replace(lot=lot))
    if isinstance(chosen, Refusal):
        assert said.refusal == chosen
    elif said.label is None:
        assert chosen.label in [target.label for target in said.to if target.weight]
    else:
        assert said.label == chosen.label


@pytest.mark.parametrize(
    ("weights", "label"),
    [
        ([LOTS], "0"),
        ([0, LOTS], "1"),
        ([0, 0, LOTS], "2"),
        ([LOTS, 0, 0], "0"),
        ([LOTS - 1, 1], None),
        ([1, LOTS - 1], None),
        ([LOTS // 2, LOTS // 2], None),
        ([LOTS - 1, 0, 1], None),
        ([1, 0, LOTS - 1], None),
        ([0, LOTS - 1, 1], None),
        ([0, 1, LOTS - 1], None),
        ([LOTS - 2, 1, 1], None),
    ],
)
def test_its_target_is_known_without_a_lot_only_where_all_lots_go_there(
    weights: list[int], label: str | None
) -> None:
    targets = tuple(Target(str(place), weight) for place, weight in enumerate(weights))
    revision = Revision(1, (Rule("/", targets), Rule("/v2", (Target("v2"),))))
    said = find_outcome(revision, Request("GET", "/"), is_lot_known=False)
    assert (said.label, said.to) == (label, targets)
    by_lot = "" if label else " The client's lot decides."
    assert said.why == f"Its path begins with /, and no condition holds for it.{by_lot}"


def test_a_request_that_names_a_variant_is_told_so() -> None:
    revision = Revision(1, (Rule("/", (Target("main"),)),), variants={"x": "x--shop"})
    for request_ in (
        Request("GET", "/", headers={"x-prevs-stack": "x"}),
        Request("GET", "/", headers={"baggage": "prevs-stack=x"}),
    ):
        said = find_outcome(revision, request_, is_lot_known=False)
        assert (said.label, said.why) == ("x--shop", "It names the variant x.")
