"""The argument REPOSITORY and the options of `prevs app`."""

from pathlib import Path

import pytest

from cli.commands.apps import describe_read, given_settings, located


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://git.example.org/x.git", "https://git.example.org/x.git"),
        ("file:///srv/x", "file:///srv/x"),
        ("git@example.org:team/x.git", "git@example.org:team/x.git"),
        ("/srv/x/", "/srv/x"),
        ("./x", "/here/x"),
        ("../x", "/x"),
        ("x", "x"),
    ],
)
def test_only_paths_are_made_absolute(given: str, expected: str) -> None:
    assert located(given, Path("/here")) == expected


def test_an_existing_folder_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    assert located("x", tmp_path) == str(tmp_path / "x")


def test_only_given_settings_are_sent_and_an_empty_one_clears_a_list() -> None:
    given = {"mem": None, "idle_after": 0, "keep_warm": ("",), "constraints": ("gpu", "zone=a")}
    assert given_settings(given) == {
        "idle_after": 0,
        "keep_warm": [],
        "constraints": ["gpu", "zone=a"],
    }
    assert given_settings({"keep_warm": ()}) == {}


def test_who_waits_for_a_repository_is_told_for_how_long_and_why_it_may_be_long() -> None:
    assert "of shop for the first time: 3 s. Ctrl-C" in describe_read("shop", 3.2)
    assert "34 s. Its server answers slowly, or not at all. Ctrl-C" in describe_read("shop", 34.0)
