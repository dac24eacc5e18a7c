from pathlib import Path

import pytest

from program.settings.zookeeper import list_hosts, list_servers, read_identities


@pytest.mark.parametrize(
    ("hosts", "listed"),
    [
        ("a:1", "a:1,a:1,a:1"),
        ("a:1,b:2", "a:1,b:2,a:1,b:2"),
        ("a:1,b:2,c:3", "a:1,b:2,c:3"),
        ("a:1,b:2,c:3,d:4", "a:1,b:2,c:3,d:4"),
        ("a:1,b:2/of/teams", "a:1,b:2,a:1,b:2/of/teams"),
    ],
)
def test_the_list_has_at_least_three_servers(hosts: str, listed: str) -> None:
    assert list_servers(hosts) == listed


def test_hosts_are_listed_without_a_chroot() -> None:
    assert list_hosts("a:1,b:2/of/teams") == list_hosts("a:1,b:2") == ["a:1", "b:2"]


def test_identities_are_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "identities"
    file.write_text("prevs:hunter2\n\n other:a:b \r\n")
    assert read_identities(file) == ("prevs:hunter2", "other:a:b")


@pytest.mark.parametrize("text", ["", "\n", "prevs", "prevs:", ":hunter2", "a:b\nhunter2", "ä:b"])
def test_an_invalid_identity_is_reported_but_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "identities"
    file.write_text(text)
    with pytest.raises(ValueError, match="identities") as caught:
        read_identities(file)
    assert "hunter2" not in str(caught.value)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_identities(tmp_path / "identities")
