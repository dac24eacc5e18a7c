"""The table of the faults, beside the plan that draws them."""

from tests.chaos.faults import FAULTS
from tests.chaos.plan import KINDS


def test_every_fault_that_is_drawn_can_be_made() -> None:
    assert set(FAULTS) == {kind.name for kind in KINDS}
