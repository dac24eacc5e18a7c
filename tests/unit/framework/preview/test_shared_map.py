from hypothesis import given
from hypothesis import strategies as st

from framework.preview.shared_map import SharedMap

keys = st.integers(0, 300)
items = st.dictionaries(keys, st.integers(0, 3), max_size=40)
changes = st.lists(st.tuples(items, st.sets(keys, max_size=10)), max_size=5)


@given(items, changes)
def test_it_is_like_a_dict_that_is_copied_at_each_change(
    first: dict[int, int], story: list[tuple[dict[int, int], set[int]]]
) -> None:
    now, known = SharedMap(first), dict(first)
    seen = [(now, dict(known))]
    for put, gone in story:
        now, known = now.change(put, gone), {**known, **put}
        for key in gone:
            known.pop(key, None)
        seen.append((now, dict(known)))
    for one, expected in seen:
        assert one == expected
        assert (len(one), set(one), sorted(one.values())) == (
            len(expected),
            set(expected),
            sorted(expected.values()),
        )
        assert all(one.get(key) == expected.get(key) for key in range(301))


@given(items, items, st.sets(keys, max_size=10))
def test_what_differs_is_in_what_is_compared(
    first: dict[int, int], put: dict[int, int], gone: set[int]
) -> None:
    before = SharedMap(first)
    after = before.change(put, gone)
    was, now = after.compare(before)
    for key in {*first, *put, *gone}:
        if before.get(key) is not after.get(key):
            assert (was.get(key), now.get(key)) == (before.get(key), after.get(key))
    assert len(was) <= len(first)


def test_one_change_of_many_compares_few() -> None:
    before = SharedMap(dict.fromkeys(range(10000), 0))
    was, now = before.change({1: 1}, ()).compare(before)
    assert len(was) == len(now) < 200
