import pytest

from program.text.page_text import end_of_log, tame


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Say hello", "Say hello"),
        ("two\nlines\tand  more", "two lines and more"),
        ("nul\0 bell\a \x1b[31mred\x1b[0m\x9b1m", "nul bell red"),
        ("user\u202egnp.exe\u2066\u200f", "usergnp.exe"),
        ("z" + "\u0301" * 400 + "algo", "z" + "\u0301" * 3 + "algo"),
        ("x" * 600, "x" * 500 + "\u2026"),
    ],
)
def test_a_text_stays_in_its_place(text: str, shown: str) -> None:
    assert tame(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\n", "a\nb\n"),
        ("12%\r50%\r100%\r\nnext", "100%\nnext"),
        ("abc\b\bX", "aX"),
        ("\x1b[1;31mred\x1b[0m \x1b]8;;http://x/\x1b\\link\x1b]8;;\x07\n", "red link\n"),
        ("a\x1b]0;never ended\nb", "a\nb"),
        ("user\u202egnp.exe", "user<U+202E>gnp.exe"),
        ("x" * 5000, "x" * 1000 + "\u2026"),
    ],
)
def test_the_end_of_a_log_is_what_a_terminal_would_leave(text: str, shown: str) -> None:
    assert end_of_log(text) == shown


def test_of_a_long_log_the_last_whole_lines_are_shown() -> None:
    shown = end_of_log("".join(f"line {n}\n" for n in range(10_000)), most=100)
    assert shown.startswith("line 99")
    assert shown.endswith("line 9999\n")
    assert 80 < len(shown) <= 100


def test_escaped_markup_counts_with_its_length() -> None:
    assert len(end_of_log("<" * 900 + "\n" + "<" * 20, most=100)) == 20
