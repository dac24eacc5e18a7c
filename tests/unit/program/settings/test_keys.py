from pathlib import Path

import pytest

from program.settings.keys import new_key, read_keys

KEY, OTHER = "A" * 43 + "=", "B" * 42 + "A="


def test_a_new_key_is_valid_and_unique(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("".join(f"{new_key()}\n" for _ in range(100)))
    assert len(set(read_keys(file))) == 100


def test_lines_keep_their_order(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"\n{KEY}\n  {OTHER}\r\n\n")
    assert read_keys(file) == (KEY, OTHER)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "holds no key"),
        (f"{KEY}\nhunter2\n".encode(), "line 2 of .* is not a key"),
        (KEY[:-5].encode(), "line 1 of .* is not a key"),
        (f"{KEY[:-2]}+=".encode(), "line 1 of .* is not a key"),
        ("ö".encode(), "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_an_invalid_key_is_reported_but_not_shown(
    tmp_path: Path, text: bytes | None, message: str
) -> None:
    file = tmp_path / "keys"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_keys(file)
    assert "hunter2" not in str(caught.value)
    assert KEY[:10] not in str(caught.value)
