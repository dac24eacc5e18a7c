"""A history that is written is read as it was, also if it ends in the middle."""

import itertools
import math
from pathlib import Path

import pytest

from tests.chaos.history import Fault, Look, Name, Outcome, Recorder, Visit, What, Write, pick, read

WHATS: list[What] = [
    Visit("proxy", "main.site", "0001", True, 200, "site.a.1", "page"),
    Name("main.site", "site", ("a", "b")),
    Look({"site": 2}, (("site", "a", "site.a.1"),)),
]


@pytest.mark.parametrize("what", WHATS)
def test_what_is_written_is_read(tmp_path: Path, what: What) -> None:
    recorder = Recorder(tmp_path / "history", itertools.count(1.0).__next__)
    recorder.end(recorder.begin("a client", what), Outcome.OK, what)
    recorder.close()
    [found] = read((tmp_path / "history").read_text().splitlines())
    assert found == (1, "a client", 1.0, 2.0, Outcome.OK, what)


def test_what_has_no_end_may_still_happen(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history", itertools.count(1.0).__next__)
    recorder.begin("one", Write("x", "1"))
    second = recorder.begin("two", Write("x", "2"))
    recorder.end(second, Outcome.UNKNOWN, Write("x", "2"))
    found = read((tmp_path / "history").read_text().splitlines())
    assert [(one.outcome, one.ended) for one in found] == [(Outcome.UNKNOWN, math.inf)] * 2


def test_operations_come_in_the_order_of_their_begins(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history", lambda: 5.0)
    recorder.note("late", Write("x", "1"))
    recorder.begin("early", Fault("kill", "proxy"), at=1.0)
    recorder.note("late", Write("x", "2"))
    found = read((tmp_path / "history").read_text().splitlines())
    assert [one.number for one in found] == [2, 1, 3]
    assert [what.value for _, what in pick(found, Write)] == ["1", "2"]
