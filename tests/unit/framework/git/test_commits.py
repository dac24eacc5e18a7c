from hypothesis import given
from hypothesis import strategies as st

from framework.git.commits import Cursor, read_commits, read_cursor, write_cursor
from framework.ports import Commit

A, B = "a" * 40, "b" * 40
LINE = st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"]), max_size=40)


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 10**10), LINE, LINE)))
def test_each_commit_keeps_its_fields_whatever_names_and_subjects_contain(
    listed: list[tuple[str, int, str, str]],
) -> None:
    output = "".join(f"{sha} {when}\n{who}\n{subject}\n" for sha, when, who, subject in listed)
    assert read_commits(output) == [
        Commit(sha, who, subject, float(when)) for sha, when, who, subject in listed
    ]


def test_an_invalid_time_counts_as_the_epoch() -> None:
    for when in ("", "-1", "1e9"):
        assert read_commits(f"{A} {when}\nAda\nSay hello\n")[0].committed == 0.0


@given(st.text() | st.from_regex(r"[0-9a-f]{40}\.\d+(\.[0-9a-f]{40})?(\.first)?", fullmatch=True))
def test_a_text_is_a_cursor_of_whole_ids_or_none(text: str) -> None:
    cursor = read_cursor(text)
    assert cursor is None or (len(cursor.sha) == 40 and cursor.skip < 10**7)
    assert cursor is None or len(cursor.base) in (0, 40)


@given(st.integers(0, 10**7 - 1), st.sampled_from(["", B]), st.booleans())
def test_a_written_cursor_is_read_back(skip: int, base: str, first_parent: bool) -> None:
    cursor = Cursor(A, skip, base, first_parent)
    assert read_cursor(write_cursor(cursor)) == cursor
