"""framework/attempts/isolations.py: what previews and builds reach, as executors report."""

import dataclasses

from structlog.testing import capture_logs

from framework import events
from framework.attempts.isolations import Isolations
from prevs.messages import Isolation
from prevs.states import Phase
from tests.fakes.driven import Driven
from tests.fakes.offers import offer

ALLOWS = Isolation(allowed=("10.1.0.0/16",), required=True, open="", builds_open="")


def test_parts_that_an_attempt_did_not_check_stay_as_others_found_them() -> None:
    isolations = Isolations()
    isolations.reported("S1", ALLOWS)
    warm = Isolation(allowed=("10.2.0.0/16",), open="there is no iptables")
    isolations.reported("S1", warm)
    assert isolations.known == {"S1": dataclasses.replace(warm, builds_open="")}
    known = isolations.known
    isolations.reported("S1", dataclasses.replace(warm, open=None))
    assert isolations.known is known, "nothing is new"


def test_executors_without_a_report_of_isolation_change_nothing() -> None:
    isolations = Isolations()
    isolations.reported("S1", None)
    isolations.reported(None, ALLOWS)
    assert isolations.known == {}


def test_an_open_agent_is_reported_once() -> None:
    isolations = Isolations()
    is_open = dataclasses.replace(ALLOWS, open="there is no iptables")
    with capture_logs() as logs:
        isolations.reported("S1", is_open)
        isolations.reported("S1", dataclasses.replace(is_open, allowed=()))
        isolations.reported("S1", ALLOWS)
        isolations.reported("S1", is_open)
    assert [entry["why"] for entry in logs] == ["there is no iptables"] * 2


def test_a_report_shows_it_and_a_lost_agent_is_forgotten(driven: Driven) -> None:
    driven.start()
    driven.step(events.Offered([offer("o1")]))
    assert driven.service.snapshot.isolations == {}
    driven.report("TASK_STARTING", Phase.BUILDING, isolation=ALLOWS)
    driven.report("TASK_RUNNING", Phase.RUNNING, isolation=ALLOWS)
    assert driven.service.snapshot.isolations == {"agent-1": ALLOWS}
    driven.step(events.AgentFailed("agent-1", "executor-of-something"))
    assert driven.service.snapshot.isolations == {"agent-1": ALLOWS}
    driven.step(events.AgentFailed("agent-1", None))
    assert driven.service.snapshot.isolations == {}
