import pytest

from bench.harness import page

BEGIN, END = "<!-- jobs -->", "<!-- /jobs -->"


def test_a_table_can_be_read_as_it_is() -> None:
    assert page.table(("", "a"), [("x", "1"), ("long", "1234")]) == [
        "|      |    a |",
        "| ---- | ---: |",
        "| x    |    1 |",
        "| long | 1234 |",
    ]


def test_only_the_marked_part_of_the_page_is_written_and_it_can_be_repeated() -> None:
    before = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = page.replace(before, "jobs", ["new", "lines"])
    assert once == f"before\n{BEGIN}\nnew\nlines\n{END}\nafter\n"
    assert page.replace(once, "jobs", ["new", "lines"]) == once


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}", "<!-- proxy --><!-- /proxy -->"])
def test_a_page_without_its_marks_is_left_alone(text: str) -> None:
    with pytest.raises(ValueError, match="no part between"):
        page.replace(text, "jobs", ["new"])
