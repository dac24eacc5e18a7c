"""The folder of a job's exchange: when docker has to carry what a command leaves."""

from pathlib import Path

import pytest

from executor.container.exchange_folder import is_untouched


def test_a_folder_with_the_payload_alone_is_untouched(tmp_path: Path) -> None:
    assert is_untouched(tmp_path)
    (tmp_path / "payload").write_bytes(b"1")
    assert is_untouched(tmp_path)


@pytest.mark.parametrize("name", ["result", "progress", "artifacts", "payload2", "x"])
def test_a_folder_with_any_other_name_is_not(tmp_path: Path, name: str) -> None:
    (tmp_path / "payload").write_bytes(b"1")
    (tmp_path / name).symlink_to("/nowhere")
    assert not is_untouched(tmp_path)


def test_a_folder_that_is_gone_is_not(tmp_path: Path) -> None:
    assert not is_untouched(tmp_path / "gone")
