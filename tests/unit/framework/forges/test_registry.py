import re
from pathlib import Path

import pytest

from framework.forges.registry import FORGES, explain_hook, find_kind, show_forge, takes_secret
from prevs.records import AppRecord

ROOT = Path(__file__).parents[4]
CODE = ("framework", "cli", "prevs", "proxy")


@pytest.mark.parametrize(
    ("repository", "kind"),
    [
        ("https://github.com/shop/shop.git", "github"),
        ("git@github.com:shop/shop.git", "github"),
        ("ssh://git@ssh.github.com:443/shop/shop.git", "github"),
        ("https://gitlab.com/group/sub/shop", "gitlab"),
        ("https://Codeberg.org/shop/shop", "gitea"),
        ("https://gitea.com/shop/shop", "gitea"),
        ("ssh://git@pagure.io/shop.git", "pagure"),
        ("https://github.com.example.org/shop/shop.git", "none"),
        ("/srv/shop", "none"),
    ],
)
def test_without_the_setting_the_host_decides(repository: str, kind: str) -> None:
    assert find_kind(AppRecord("shop", repository)) == kind


def test_the_setting_overrides_the_host() -> None:
    assert (
        find_kind(AppRecord("shop", "https://git.example.org/shop/shop.git", forge="gitlab"))
        == "gitlab"
    )
    there = AppRecord("shop", "https://github.com/shop/shop.git", forge="none")
    assert find_kind(there) == "none"


def test_a_kind_of_a_later_version_is_none() -> None:
    later = AppRecord("shop", "https://git.example.org/shop/shop.git", forge="later")
    assert (find_kind(later), show_forge(later), takes_secret(later)) == ("none", "none", True)
    assert explain_hook(later).startswith("At Bitbucket: ")


def test_each_kind_says_where_its_webhook_is_entered() -> None:
    told = {
        kind: explain_hook(AppRecord("shop", "/srv/shop", forge=kind)) for kind in (*FORGES, "none")
    }
    assert len(set(told.values())) == len(told) == 5
    assert "`prevs forge hook shop --file FILE`" in told["pagure"]
    assert [name for name in ("Bitbucket", "Azure", "plain git") if name in told["none"]] == [
        "Bitbucket",
        "Azure",
        "plain git",
    ]


def test_a_kind_stands_in_one_file() -> None:
    """The other three have names that are also those of parts of ours, such as sign-in."""
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in CODE
        for path in (ROOT / folder).rglob("*.*")
        if path.suffix != ".pyc" and re.search(rb"(?i)\bpagure\b", path.read_bytes())
    ]
    assert found == ["framework/forges/kinds/pagure.py"]
