"""The search for the commit that broke something."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.bisection.search import Search, Verdict, WrongEnd, begin, judge


def name(number: int) -> list[str]:
    """Return names of a good commit and of so many after it: 0 is the good one."""
    return [str(at) for at in range(number + 1)]


def try_all(search: Search, first_bad: int, most: int, untryable: set[int]) -> tuple[Search, int]:
    """Return a finished search, and how many rounds it took."""
    rounds = 0
    while chosen := search.choose(most):
        rounds += 1
        assert len(set(chosen)) == len(chosen) <= most
        assert set(chosen) <= set(search.open)
        codes = {
            commit: 125 if int(commit) in untryable else int(int(commit) >= first_bad)
            for commit in chosen
        }
        verdicts = {commit: judge(code) for commit, code in codes.items()}
        search = search.learn({commit: one for commit, one in verdicts.items() if one})
    assert not search.open
    return search, rounds


@given(st.data(), st.integers(1, 300), st.integers(1, 12), st.booleans())
def test_it_finds_the_first_bad_commit_in_as_many_rounds_as_the_tries_need(
    data: st.DataObject, number: int, most: int, trust: bool
) -> None:
    first_bad = data.draw(st.integers(1, number))
    begun = begin(name(number), trust=trust)
    search, rounds = try_all(begun, first_bad, most, set())
    assert search.suspects == [str(first_bad)]
    assert rounds <= begun.count_rounds(most)
    needed = 0
    while (most + 1) ** needed < number:
        needed += 1
    assert begun.count_rounds(most) <= needed + (0 if trust else max(1, 3 - most))


@pytest.mark.parametrize("first_bad", [1, 2, 500, 999, 1000])
@pytest.mark.parametrize("trust", [False, True])
def test_a_thousand_commits_take_at_most_four_rounds_with_seven_at_a_time(
    first_bad: int, trust: bool
) -> None:
    search, rounds = try_all(begin(name(1000), trust=trust), first_bad, 7, set())
    assert search.suspects == [str(first_bad)]
    assert rounds in {3, 4}


@given(st.data(), st.integers(1, 60), st.integers(1, 5), st.booleans())
def test_what_cannot_be_tried_leaves_only_its_neighbours_as_suspects(
    data: st.DataObject, number: int, most: int, trust: bool
) -> None:
    first_bad = data.draw(st.integers(1, number))
    untryable = data.draw(st.sets(st.integers(0, number)))
    search, _ = try_all(begin(name(number), trust=trust), first_bad, most, untryable)
    suspects = [int(commit) for commit in search.suspects]
    assert first_bad in suspects
    assert set(suspects[:-1]) <= untryable


@given(st.lists(st.sampled_from(list(Verdict)), max_size=40), st.integers(1, 5), st.randoms())
def test_however_and_whenever_the_tries_end_a_change_from_good_to_bad_stays_between(
    between: list[Verdict], most: int, order: random.Random
) -> None:
    verdicts = [Verdict.GOOD, *between, Verdict.BAD]
    search = begin(name(len(verdicts) - 1), trust=False)
    while chosen := search.choose(most):
        order.shuffle(chosen)
        for commit in chosen:  # as they end, one after the other
            search = search.learn({commit: verdicts[int(commit)]})
    assert verdicts[search.good] is Verdict.GOOD
    assert verdicts[search.bad] is Verdict.BAD
    assert search.good < search.bad
    assert set(verdicts[search.good + 1 : search.bad]) <= {Verdict.SKIPPED}


@pytest.mark.parametrize("most", [1, 2, 7])
def test_an_end_that_is_not_as_somebody_said_is_told(most: int) -> None:
    for first_bad, truth in ((0, Verdict.BAD), (100, Verdict.GOOD)):
        with pytest.raises(WrongEnd) as raised:
            try_all(begin(name(20), trust=False), first_bad, most, set())
        assert raised.value.verdict is truth


def test_an_end_is_not_tried_once_another_commit_tells_more() -> None:
    search = begin(name(8), trust=False)
    assert search.choose(5) == ["0", "2", "4", "6", "8"]
    told = search.learn({"4": Verdict.GOOD, "6": Verdict.BAD})
    assert (told.open, told.choose(5)) == (["5"], ["5"])
    assert told.learn({"0": Verdict.BAD, "8": Verdict.GOOD}) == told


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (0, Verdict.GOOD),
        (1, Verdict.BAD),
        (127, Verdict.BAD),
        (125, Verdict.SKIPPED),
        (128, None),
        (137, None),
        (255, None),
        (-1, None),
    ],
)
def test_exit_codes_mean_what_they_mean_to_git(code: int, verdict: Verdict | None) -> None:
    assert judge(code) is verdict
