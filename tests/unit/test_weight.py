import pathlib

from tests.weight import Weight, again, by_room, weigh

FILE = """\
import pytest


@pytest.mark.parametrize(
    "count", (1, 2)
)
def test_counts(count: int) -> None:

    assert count


def helper() -> int:
    def testing() -> int:
        return 1
    return testing()
"""


def test_a_test_function_is_counted_from_its_first_decorator_to_its_last_line() -> None:
    assert weigh(FILE) == Weight(lines=15, in_tests=6 + 2)


def test_methods_and_coroutines_count_once_whatever_stands_in_them() -> None:
    method = (
        "class TestIt:\n    async def test_it(self):\n        def test_inner():\n            pass\n"
    )
    assert weigh(method) == Weight(lines=4, in_tests=3)


def test_the_share_of_nothing_is_nothing() -> None:
    assert (Weight(3, 2).share, Weight().share) == (67, 0)


def test_unit_and_contract_tests_are_counted_by_the_room_that_they_test() -> None:
    paths = ("unit/cli/a.py", "unit/cli/doctor/b.py", "unit/c.py", "fakes/forges/d.py", "e.py")
    rooms = by_room({pathlib.PurePath(path): "x = 1\n" for path in paths})
    lines = {room: each.lines for room, each in rooms.items()}
    assert lines == {"unit/cli": 2, "unit": 1, "fakes": 1, ".": 1}


def test_the_same_body_under_another_name_and_docstring_is_found() -> None:
    one = 'def one(a):\n    """One."""\n    a += 1\n    return a\n'
    two = "def two(a):\n    a += 1\n    return a\n"
    other = "def other(b):\n    b += 1\n    return b\n"
    sources = {"a.py": one, "b.py": other, "c.py": two}
    found = again({pathlib.PurePath(path): source for path, source in sources.items()})
    assert found == [["a.py:1 one", "c.py:1 two"]]
