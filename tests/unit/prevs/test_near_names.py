import pytest

from prevs.near_names import find_near


@pytest.mark.parametrize(
    ("name", "found"),
    [("mian", ["main"]), ("MAIN", ["main"]), ("fix-1", ["fix-12", "fix-2"]), ("zebra", [])],
)
def test_similar_names_are_near_in_any_case(name: str, found: list[str]) -> None:
    assert find_near(name, ["main", "fix-12", "fix-2"], 3) == found


def test_no_more_names_are_returned_than_requested() -> None:
    assert len(find_near("fix-1", [f"fix-1{n}" for n in range(9)], 5)) == 5
