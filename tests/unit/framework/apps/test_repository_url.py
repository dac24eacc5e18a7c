from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.apps.repository_url import (
    find_folder_problem,
    find_own_problem,
    find_problem,
    is_local,
)


@pytest.mark.parametrize(
    "repository",
    [
        "/srv/git/hello.git",
        "/srv/a path/hello",
        "https://git.example.org/team/hello.git",
        "http://127.0.0.1:3000/hello",
        "ssh://git@git.example.org:2222/hello.git",
        "git@git.example.org:team/hello.git",
        "git.example.org:hello.git",
        "git://git.example.org/hello",
        "file:///srv/git/hello.git",
    ],
)
def test_a_path_or_git_url_can_be_a_repository(repository: str) -> None:
    assert find_problem(repository) is None


@pytest.mark.parametrize(
    ("repository", "problem"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("hello", "neither"),
        ("./hello", "neither"),
        ("-oProxyCommand=touch", "neither"),
        ("--upload-pack=touch", "neither"),
        ("ext::sh -c touch", "neither"),
        ("ext::sh", "neither"),
        ("host:-oProxyCommand=x", "neither"),
        ("-host:path", "neither"),
        ("ext://sh", "scheme ext://"),
        ("ftp://host/path", "scheme ftp://"),
        ("ssh://-oProxyCommand=touch/x", "no host"),
        ("ssh://-oProxyCommand=touch@git.example.org/x", "a user that begins with -"),
        ("-oProxyCommand=touch@git.example.org:x", "neither"),
        ("https://git.example.org#@127.0.0.1/x", "credentials"),
        ("git://git.example.org?@127.0.0.1/x", "characters that no host has"),
        ("https://git.example.org\\x/y", "characters that no host has"),
        ("ssh://git@-oProxyCommand=touch/x", "no host"),
        ("https:///path", "no host"),
        ("file://", "no path"),
        ("https://ada:secret@git.example.org/x", "credentials"),
        ("https://token@git.example.org/x", "credentials"),
        ("ssh://ada:secret@git.example.org/x", "credentials"),
        ("/srv/x\n", "control characters"),
        ("/srv/\x00x", "control characters"),
        (" /srv/x", "space"),
        ("/" + "x" * 2000, "longer than 2000"),
    ],
)
def test_a_dangerous_address_is_refused_with_a_reason(repository: str, problem: str) -> None:
    assert problem in (find_problem(repository) or "")


@pytest.mark.parametrize(
    "repository",
    [
        *("/srv/git/hello.git", "file:///srv/git/hello.git", "git@localhost:x", "ssh://[::1]/x"),
        *(
            f"http://{host}/x"
            for host in (
                *("127.0.0.1", "127.8.8.8:3000", "0.0.0.0", "127.1", "0x7f.1", "2130706433"),
                *("localhost", "LOCALHOST", "localhost.", "git.localhost", "localhost.localdomain"),
                *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]:80"),
            )
        ),
    ],
)
def test_a_repository_on_this_machine_is_local(repository: str) -> None:
    assert find_problem(repository) is None
    assert is_local(repository)


@pytest.mark.parametrize(
    "repository",
    [
        *("https://git.example.org/x", "git@git.example.org:localhost/x", "http://128.0.0.1/x"),
        *("http://10.0.0.1/x", "https://localhost.example.org/x", "http://[2001:db8::1]/x"),
    ],
)
def test_every_other_repository_is_not_local(repository: str) -> None:
    assert find_problem(repository) is None
    assert not is_local(repository)


def test_a_path_into_the_folders_of_prevs_is_refused(tmp_path: Path) -> None:
    own, other = tmp_path / "framework", tmp_path / "elsewhere"
    mirror = own / "mirrors" / "shop" / f"{'0' * 16}.git"
    mirror.mkdir(parents=True)
    other.mkdir()
    (other / "link.git").symlink_to(mirror)
    executors = other / "mirrors" / f"{'a' * 24}.git"
    for place in (own, mirror, own / "x" / ".." / "logs", other / "link.git", executors):
        for written in (str(place), f"file://{place}"):
            assert "a folder of prevs itself" in (find_own_problem(written, own) or "")
    for fine in (other / "shop.git", f"{own}-more/x.git", other / "mirrors" / "shop.git"):
        assert find_own_problem(str(fine), own) is None
    assert find_own_problem(f"https://git.example.org{mirror}", own) is None


@given(st.text())
def test_no_accepted_address_can_be_an_option_of_git(text: str) -> None:
    if find_problem(text) is None:
        assert not text.startswith("-")
        assert "\n" not in text


@pytest.mark.parametrize("folder", ["", "web", "services/web", "größe und raum", ".config", "a..b"])
def test_a_folder_of_the_repository_is_accepted(folder: str) -> None:
    assert find_folder_problem(folder) is None


@pytest.mark.parametrize(
    "folder", ["/", "/web", "web/", "a//b", ".", "./web", "..", "a/../..", ".git/x", "a\nb", "\0"]
)
def test_anything_else_as_a_folder_is_refused(folder: str) -> None:
    assert find_folder_problem(folder)
