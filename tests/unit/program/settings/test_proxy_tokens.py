from pathlib import Path

import pytest

from program.settings.proxy_tokens import read_tokens


def test_lines_keep_their_order(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("\nnew one\n  old-one\r\n\n")
    assert read_tokens(file) == ("new one", "old-one")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\n \n", "holds no token"),
        (b"fine\nhunter2\x07\n", "line 2 of .* has invalid characters"),
        ("gr\u00f6\u00dfe".encode(), "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_an_invalid_token_is_reported_but_not_shown(
    tmp_path: Path, text: bytes | None, message: str
) -> None:
    file = tmp_path / "tokens"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_tokens(file)
    assert "hunter2" not in str(caught.value)
