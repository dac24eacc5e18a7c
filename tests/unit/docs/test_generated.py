"""How docs/generated/ escapes text that could break a page."""

from docs.generated.hook import part_lists
from docs.generated.tables import amount, code, table


def test_a_list_is_separated_from_the_paragraph_before_it() -> None:
    assert part_lists("so:\n- one\n- two\nmore") == "so:\n\n- one\n- two\nmore"
    assert part_lists("so:\n1. one\n2. two") == "so:\n\n1. one\n2. two"


def test_code_is_left_as_it_is() -> None:
    text = "so:\n```\na\n- b\n```"
    assert part_lists(text) == text


def test_a_cell_is_one_line_and_escapes_its_delimiter() -> None:
    assert table(("a", "b"), [["x|y", "one\ntwo"]])[3] == "| x\\|y | one two |"


def test_code_may_contain_the_characters_that_end_code() -> None:
    assert code("a`b") == "`` a`b ``"
    assert code("") == ""


def test_numbers_have_thousands_separators() -> None:
    assert [amount(n) for n in (0.01, 1.0, 65535)] == ["0.01", "1", "65,535"]
