"""The search for the commit that broke something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.jobs.bisection import Search, Stopped, Verdict, begin, judge


def try_all(search: Search, first_bad: int, most: int, untryable: set[int]) -> tuple[Search, int]:
    """Return a finished search, and how many rounds it took."""
    rounds = 0
    while chosen := search.choose(most):
        rounds += 1
        assert len(set(chosen)) == len(chosen) <= most
        codes = {
            commit: 125 if int(commit) in untryable else int(int(commit) >= first_bad)
            for commit in chosen
        }
        search = search.learn({commit: judge(code) for commit, code in codes.items()})
    return search, rounds


def name(number: int) -> list[str]:
    return [str(at) for at in range(number)]


@given(st.data(), st.integers(1, 300), st.integers(1, 12))
def test_it_finds_the_first_bad_commit_in_as_many_rounds_as_the_tries_need(
    data: st.DataObject, number: int, most: int
) -> None:
    first_bad = data.draw(st.integers(0, number - 1))
    search, rounds = try_all(begin(name(number)), first_bad, most, set())
    assert search.suspects == [str(first_bad)]
    needed = 0
    while (most + 1) ** needed < number:
        needed += 1
    assert rounds <= needed


@pytest.mark.parametrize("first_bad", [0, 1, 500, 998, 999])
def test_a_thousand_commits_take_at_most_four_rounds_with_seven_at_a_time(first_bad: int) -> None:
    search, rounds = try_all(begin(name(1000)), first_bad, 7, set())
    assert search.suspects == [str(first_bad)]
    assert rounds in {3, 4}


@given(st.data(), st.integers(1, 60), st.integers(1, 5))
def test_what_cannot_be_tried_leaves_only_its_neighbours_as_suspects(
    data: st.DataObject, number: int, most: int
) -> None:
    first_bad = data.draw(st.integers(0, number - 1))
    untryable = data.draw(st.sets(st.integers(0, number - 1)))
    search, _ = try_all(begin(name(number)), first_bad, most, untryable)
    suspects = [int(commit) for commit in search.suspects]
    assert first_bad in suspects
    assert set(suspects[:-1]) <= untryable


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=40), st.integers(1, 5))
def test_however_the_tries_end_a_change_from_good_to_bad_stays_between(
    verdicts: list[Verdict], most: int
) -> None:
    commits = name(len(verdicts))
    search = begin(commits)
    while chosen := search.choose(most):
        search = search.learn({commit: verdicts[int(commit)] for commit in chosen})
    assert search.good == -1 or verdicts[search.good] is Verdict.GOOD
    assert search.bad == len(verdicts) - 1 or verdicts[search.bad] is Verdict.BAD
    assert search.good < search.bad
    between = verdicts[search.good + 1 : search.bad]
    assert set(between) <= {Verdict.SKIPPED}


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(0, Verdict.GOOD), (1, Verdict.BAD), (127, Verdict.BAD), (125, Verdict.SKIPPED)],
)
def test_exit_codes_mean_what_they_mean_to_git(code: int, verdict: Verdict) -> None:
    assert judge(code) is verdict


@pytest.mark.parametrize("code", [128, 137, 255, -1])
def test_any_other_exit_code_stops_the_search(code: int) -> None:
    with pytest.raises(Stopped, match=str(code)):
        judge(code)
