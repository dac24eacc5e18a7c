"""Where a request is said to go is where it goes: `try` says what prevs/gate_rules.py decides."""

from hypothesis import given
from hypothesis import strategies as st

from framework.gates.explanations import find_outcome
from prevs.gate_rules import Refusal, Request, choose
from prevs.gates import LOTS, Revision
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
