"""What a restore refuses before it looks at anything else."""

from pathlib import Path

import pytest

from framework.upkeep import backup, sealed_backup
from framework.upkeep.backup import Order
from framework.upkeep.sealed_backup import Backup

PHRASE = "correct horse battery"


def restore(folder: Path, made: Backup, **environ: str) -> int:
    """Restore a backup there; no ZooKeeper is reached."""
    (folder / "backup").write_bytes(sealed_backup.seal(made, PHRASE, b"s" * 32))
    (folder / "phrase").write_text(f"{PHRASE}\n")
    return backup.restore(environ, Order(folder / "backup", folder / "phrase"), 1)


def test_a_backup_of_a_later_version_is_left_to_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore(tmp_path, Backup("9999.10.1", 1.0, b"{}", {}, {})) == backup.REFUSED
    assert "prevs 9999.10.1 made this backup" in capsys.readouterr().err


def test_a_file_that_is_there_and_a_setting_that_is_not_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Backup("0.0.1", 1.0, b"{}", {"PREVS_KEY_FILE": b"ours"}, {})
    assert restore(tmp_path, made) == backup.REFUSED
    assert "not set here: PREVS_KEY_FILE" in capsys.readouterr().err
    (tmp_path / "key").write_text("theirs")
    assert restore(tmp_path, made, PREVS_KEY_FILE=str(tmp_path / "key")) == backup.REFUSED
    assert "would be replaced, and nothing was written" in capsys.readouterr().err
    assert (tmp_path / "key").read_text() == "theirs"


def test_no_file_and_no_phrase_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backup.restore({}, Order(tmp_path / "none", tmp_path / "phrase"), 1) == backup.REFUSED
    assert "cannot be read (No such file or directory)" in capsys.readouterr().err
