"""The output of a command in an attempt's log, and what is around it."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from prevs.log_split import LogSplit

BUILD = "== building x ==\nRUN echo == running y ==\n== running\nlast\n"
OUTPUT = "== running z ==\nhello\n=\n== mine ==\nx == kept 3 files of y ==\n== kept\nend\n"
AFTERWARDS = (
    "== it has run for 900 s, which is its timeout: it is ended ==\n"
    "== kept 1,000 files of /run/prevs/artifacts ==\n"
    "== left out 3 entries of /run/prevs/artifacts: only plain files ==\n"
)


def split_all(log: str, cuts: list[int]) -> tuple[str, str]:
    """Return both parts of a log that comes in pieces."""
    places = sorted({0, *(cut for cut in cuts if cut < len(log)), len(log)})
    split = LogSplit()
    parts = [
        split.feed(log[begin:end], end, runs=True) for begin, end in itertools.pairwise(places)
    ]
    parts.append(split.finish())
    return "".join(part.around for part in parts), "".join(part.output for part in parts)


@given(st.lists(st.integers(0, 350), max_size=20))
def test_any_pieces_of_a_log_have_the_same_parts(cuts: list[int]) -> None:
    log = f"{BUILD}== running x -y ==\n{OUTPUT}{AFTERWARDS}"
    assert split_all(log, cuts) == (BUILD + AFTERWARDS, OUTPUT)


@given(st.text("= \nkeptrun"), st.lists(st.integers(0, 100), max_size=9))
def test_an_output_comes_as_it_is(output: str, cuts: list[int]) -> None:
    assert split_all(f"== running x ==\n{output}", cuts) == ("", output)


def test_what_cannot_be_ours_does_not_wait_for_the_end_of_its_line() -> None:
    split = LogSplit()
    split.feed("== running x ==\n", None, runs=True)
    assert split.feed("50 %", None, runs=True).output == "50 %"
    assert split.feed(" ==", None, runs=True).output == " =="
    assert split.feed("\n== ", None, runs=True).output == "\n"
    assert split.feed("x" * 400, None, runs=True).output == "== " + "x" * 400


def test_without_a_beginning_all_is_around_it() -> None:
    split = LogSplit()
    assert split.feed("one\ntwo", 7, runs=False) == ("one\n", "")
    assert split.finish() == ("two", "")


def test_what_follows_a_missing_part_is_output_if_the_command_runs() -> None:
    split = LogSplit()
    assert split.feed("ü\nbuild", 8, runs=False) == ("ü\n", "")
    assert split.feed("ing\n", 5000, runs=False) == ("building\n", "")
    assert split.feed("output\n", 5007, runs=True) == ("", "output\n")
    assert split.feed("more\n", 5012, runs=True) == ("", "more\n")
