"""tests/reach: what is collected from logs, and what of it is not as expected."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.guest import StepFailed
from tests.reach import expected
from tests.reach.expected import TABLE, WHO, Way
from tests.reach.matrix import Findings, describe, describe_for_programs, find_differences, is_good
from tests.reach.measure import Target, collect

MARK = "0badcafe"
WORDS = ("preview", "job", "RUN-step", "companion", "hook", "agent")
TARGETS = (
    Target(expected.GATEWAY, "connect", "172.17.0.1", 9),
    Target(expected.GATEWAY, "connect", "172.18.0.1", 9),
    Target(expected.MASTER, "connect", "10.0.0.1", 5050),
)


def as_promised() -> dict[Way, dict[str, bool]]:
    return {row.way: {who: who in row.reached_by for who in WHO} for row in TABLE}


def printed(reached: Mapping[tuple[str, int], bool], mark: str = MARK) -> str:
    """Return a log of a build, in which a tool has put words before each line."""
    tried = [(who, number) for who in WORDS for number in range(len(TARGETS))]
    return "".join(
        f"#9 1.5 reach {mark} {who} {number} {'yes' if reached.get((who, number)) else 'no'}\n"
        for who, number in tried
    )


AGENT = {("agent", number): True for number in range(len(TARGETS))}


def test_a_way_is_reached_if_one_of_its_targets_is() -> None:
    found = collect(TARGETS, printed({**AGENT, ("RUN-step", 1): True}), MARK)
    assert found.reached[expected.GATEWAY] == {who: who == "RUN step" for who in WHO}
    assert found.reached[expected.MASTER] == dict.fromkeys(WHO, False)
    assert found.silent == []


def test_what_even_the_agent_does_not_reach_shows_nothing() -> None:
    found = collect(TARGETS, printed({**AGENT, ("agent", 2): False}), MARK)
    assert found.silent == ["the Mesos master at 10.0.0.1 5050"]
    assert not is_good(TABLE, found)
    assert "Shows nothing: the agent itself does not reach the Mesos master" in "\n".join(
        describe(TABLE, found)
    )


def test_what_the_agent_may_not_reach_itself_need_not_be_shown() -> None:
    targets = [*TARGETS[:2], TARGETS[2]._replace(is_shown=False)]
    assert collect(targets, printed({**AGENT, ("agent", 2): False}), MARK).silent == []


def test_an_attempt_that_is_in_no_log_is_no_refusal() -> None:
    text = printed(AGENT).replace(f"reach {MARK} hook 2 no", "")
    with pytest.raises(StepFailed, match=r"that of the hook at the Mesos master at 10\.0\.0\.1"):
        collect(TARGETS, text, MARK)


def test_what_another_run_has_printed_does_not_count() -> None:
    with pytest.raises(StepFailed, match="attempts are in no log"):
        collect(TARGETS, printed(AGENT, "another"), MARK)


def test_what_is_as_promised_is_good() -> None:
    findings = Findings(as_promised())
    assert find_differences(TABLE, findings) == []
    assert is_good(TABLE, findings)
    assert describe(TABLE, findings)[-1] == f"{len(TABLE) * 5} cells measured, 0 not as expected."


def test_no_measurement_is_not_good() -> None:
    assert not is_good(TABLE, Findings({}))


@given(st.sampled_from(TABLE), st.sampled_from(WHO))
def test_each_cell_that_is_another_is_found_and_marked(row: expected.Row, who: str) -> None:
    reached = as_promised()
    reached[row.way][who] ^= True
    findings = Findings(reached)
    [found] = find_differences(TABLE, findings)
    assert (found.way, found.who, found.reached) == (row.way, who, who not in row.reached_by)
    assert not is_good(TABLE, findings)
    text = "\n".join(describe(TABLE, findings))
    assert f"Not as expected: {found}." in text
    assert text.count("!") == 1
    assert describe_for_programs(TABLE, findings)["different"] == [str(found)]


def test_what_is_not_there_is_said_and_is_no_difference() -> None:
    reached = as_promised()
    del reached[expected.GATES]
    findings = Findings(reached)
    assert is_good(TABLE, findings)
    what, how = expected.GATES
    assert f"Not there, so not measured: {what} ({how})." in describe(TABLE, findings)
    rows = json.loads(json.dumps(describe_for_programs(TABLE, findings)))["rows"]
    [row] = [one for one in rows if (one["what"], one["how"]) == (what, how)]
    assert row["reached"] == dict.fromkeys(WHO)


def test_a_way_stands_once_and_each_row_says_why() -> None:
    ways = [row.way for row in TABLE]
    assert len(ways) == len(set(ways))
    assert all(row.why for row in TABLE)
    assert all(set(row.reached_by) <= set(WHO) for row in TABLE)
