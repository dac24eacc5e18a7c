"""executor/git/submodules.py: the submodules in .gitmodules."""

import pytest

from executor.errors import SubmoduleUnusable
from executor.git.submodules import MOST, Submodule, printable, read_links, read_submodules


def listing(*settings: tuple[str, str]) -> bytes:
    return "".join(f"submodule.{key}\n{value}\0" for key, value in settings).encode()


def test_paths_and_addresses_are_read_for_any_name_of_a_submodule() -> None:
    listed = listing(("a.b.path", "x/y/"), ("c.url", "../c"), ("a.b.url", "../y"), ("c.path", "c"))
    assert read_submodules(listed) == [Submodule("x/y", "../y"), Submodule("c", "../c")]


def test_incomplete_or_excluded_submodules_are_left_out() -> None:
    listed = listing(("a.path", "a"), ("b.url", "../b"), ("c.path", "c"), ("c.url", "u"))
    assert read_submodules(listed + listing(("c.update", "none"))) == []
    # The last value counts, as in git; a key without a value is ignored.
    assert read_submodules(listed + b"submodule.c.url\0") == [Submodule("c", "u")]
    assert read_submodules(listed + listing(("c.update", "!rm -rf /"))) == [Submodule("c", "u")]


@pytest.mark.parametrize(
    "path",
    ["../x", "/x", "a//b", "a/./b", "..", ".git", ".git/hooks", "a/.Git/b", "a/..", "a/../../x"],
)
def test_a_path_out_of_the_tree_is_refused(path: str) -> None:
    with pytest.raises(SubmoduleUnusable, match="out of the commit's files"):
        read_submodules(listing(("a.path", path), ("a.url", "u")))


def test_the_number_of_submodules_is_limited() -> None:
    listed = b"".join(listing((f"{n}.path", str(n)), (f"{n}.url", "u")) for n in range(MOST + 1))
    with pytest.raises(SubmoduleUnusable, match=f"more than {MOST}"):
        read_submodules(listed)


def test_gitlinks_are_entries_that_name_a_commit() -> None:
    listed = f"100644 {'1' * 40} 0\ta\0" + f"160000 {'2' * 40} 0\tb c\0"
    assert read_links(listed.encode()) == {"b c": "2" * 40}


def test_a_shown_name_is_one_line() -> None:
    assert printable("a\nb\x1b\udcff") == "a\ufffdb\ufffd\ufffd"
