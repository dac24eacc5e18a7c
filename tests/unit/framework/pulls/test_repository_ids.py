from collections.abc import Collection

import pytest

from framework.events import RepositorySeen
from framework.pulls import repository_ids
from prevs.pulls import RepositoryRecord
from prevs.records import AppRecord

ADDRESS, ELSEWHERE = "https://git.example.org/shop", "https://git.example.org/team/shop"
APP = AppRecord("shop", ADDRESS)
OURS = RepositoryRecord("shop", ADDRESS, "7")
TAKEN = RepositoryRecord("shop", ADDRESS, "7", "99")


@pytest.mark.parametrize(
    ("known", "address", "ids", "after"),
    [
        (None, ADDRESS, ["7"], OURS),
        (None, ADDRESS, [], None),
        (None, ADDRESS, ["7", "99"], None),  # which of them is meant cannot be told
        (OURS, ADDRESS, ["7"], OURS),
        (OURS, ADDRESS, [], OURS),
        (OURS, ADDRESS, ["99"], TAKEN),
        (OURS, ADDRESS, ["7", "99"], TAKEN),  # it was taken during the look
        (TAKEN, ADDRESS, [], TAKEN),
        (TAKEN, ADDRESS, ["7"], OURS),  # the stranger has given it up
        (TAKEN, ELSEWHERE, ["7"], RepositoryRecord("shop", ELSEWHERE, "7")),
    ],
)
def test_the_first_id_at_an_address_is_the_apps(
    known: RepositoryRecord | None,
    address: str,
    ids: Collection[str],
    after: RepositoryRecord | None,
) -> None:
    assert repository_ids.follow(known, RepositorySeen("shop", address, ids)) == after


def test_a_problem_names_both_ids_and_both_next_steps() -> None:
    why = repository_ids.find_problem(APP, TAKEN)
    for part in ("99", "7", "`prevs app set shop --repository …`", "same address again"):
        assert part in why
    moved = AppRecord("shop", ELSEWHERE)
    assert [
        repository_ids.find_problem(APP, None),
        repository_ids.find_problem(APP, OURS),
        repository_ids.find_problem(moved, TAKEN),
        repository_ids.find_problem(APP, repository_ids.accept(TAKEN)),
    ] == [""] * 4
