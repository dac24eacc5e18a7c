"""The file of a backup: nobody reads it without its pass phrase, and no changed byte passes."""

import pytest

from framework.upkeep import sealed_backup
from framework.upkeep.sealed_backup import Backup, BadBackup

PHRASE, SALT = "correct horse battery", b"s" * 32
BACKUP = Backup(
    "0.1.0",
    1764031200.5,
    b"{}",
    {"PREVS_KEY_FILE": b"hunter2\n", "settings.json": b"\x00\xff"},
    {"apps/hello": b'{"v":1}', "framework/id": b"", "gates/api": bytes(range(256))},
)


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return sealed_backup.seal(BACKUP, PHRASE, SALT)


def test_it_comes_back_as_it_was_and_shows_nothing(sealed: bytes) -> None:
    assert sealed_backup.open_sealed(sealed, PHRASE) == BACKUP
    for secret in (b"hunter2", b"PREVS_KEY_FILE", b"apps", PHRASE.encode()):
        assert secret not in sealed


@pytest.mark.parametrize("place", [15, 46, 47, 100, -1])
def test_a_changed_byte_is_refused(sealed: bytes, place: int) -> None:
    changed = bytearray(sealed)
    changed[place] ^= 1
    with pytest.raises(BadBackup, match="was changed or cut"):
        sealed_backup.open_sealed(bytes(changed), PHRASE)


def test_what_is_cut_or_has_another_phrase_is_refused(sealed: bytes) -> None:
    for data, phrase in ((sealed[:-1], PHRASE), (sealed[:40], PHRASE), (sealed, PHRASE + " ")):
        with pytest.raises(BadBackup, match="pass phrase is another one"):
            sealed_backup.open_sealed(data, phrase)


def test_another_file_and_a_later_format_are_named() -> None:
    with pytest.raises(BadBackup, match="no backup of prevs"):
        sealed_backup.open_sealed(b"PK\x03\x04", PHRASE)
    with pytest.raises(BadBackup, match="A later version"):
        sealed_backup.open_sealed(b"prevs backup 2\n" + b"x" * 99, PHRASE)
