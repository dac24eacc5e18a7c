"""program/git/addresses.py: what an address is, and which one a repository may name."""

import contextlib
import os
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.git.addresses import (
    NotAllowed,
    Origin,
    find_large_files,
    follow,
    read_address,
    write_origin,
)


@pytest.mark.parametrize(
    ("text", "origin", "user", "path"),
    [
        ("https://h.example/x.git", ("https", "h.example", 443), "", "/x.git"),
        ("HTTPS://H.example:8443/x", ("https", "h.example", 8443), "", "/x"),
        ("http://ada@h/x", ("http", "h", 80), "ada", "/x"),
        ("ssh://git@h:2222/srv/x.git", ("ssh", "h", 2222), "git", "/srv/x.git"),
        ("git@h.example:group/x.git", ("ssh", "h.example", 22), "git", "group/x.git"),
        ("https://[::1]:8/x", ("https", "[::1]", 8), "", "/x"),
        ("git://h/x", ("git", "h", 9418), "", "/x"),
        ("/srv/x.git", ("file", "", 0), "", "/srv/x.git"),
        ("file:///srv/a%20b", ("file", "", 0), "", "/srv/a b"),
    ],
)
def test_an_address_is_parsed(
    text: str, origin: tuple[str, str, int], user: str, path: str
) -> None:
    assert read_address(text) == (Origin(*origin), user, path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x.git",
        "./x",
        "ext::sh -c id",
        "fd::17",
        "--upload-pack=id",
        "-oProxyCommand=id:x",
        "-u@h:x",
        "ssh://-oProxyCommand=id/x",
        "ssh://-u@h/x",
        "ftp://h/x",
        "https://h\nx/y",
        "https:///x",
        "https://h:x/y",
        "https://a b/y",
        "file://h/x",
        " https://h/x",
        "https://own.example#@h/x",
        "https://own.example?@h/x",
        "https://own.example\\@h/x",
        "https://h?x/y",
    ],
)
def test_other_texts_are_no_addresses(text: str) -> None:
    assert read_address(text) is None


def test_an_origin_is_written_with_a_port_that_is_not_the_usual_one() -> None:
    assert write_origin(Origin("https", "h", 443)) == "https://h"
    assert write_origin(Origin("https", "h", 444)) == "https://h:444"


@pytest.mark.parametrize(
    ("base", "named", "address"),
    [
        ("https://h:8/g/x.git", "../y.git", "https://h:8/g/y.git"),
        ("https://h:8/g/x.git/", "../../k/y.git", "https://h:8/k/y.git"),
        ("https://ada@h/g/x", "./y", "https://ada@h/g/x/y"),
        ("git@h:g/x.git", "../y.git", "git@h:g/y.git"),
        ("git@h:x.git", "../y.git", "git@h:y.git"),
        ("git@h:/g/x.git", "../y.git", "git@h:/g/y.git"),
        ("ssh://git@h:22/g/x", "../y", "ssh://git@h:22/g/y"),
        ("/srv/x.git", "../y.git", "/srv/y.git"),
        ("file:///srv/x.git", "../y.git", "/srv/y.git"),
        ("/srv/x.git", "/srv/y/.git", "/srv/y/.git"),
        ("/srv/x", "./parts/y", "/srv/x/parts/y"),
        ("/srv/x/.git", "/srv/y", "/srv/y"),
        ("/srv/x.git", "https://h/y", "https://h/y"),
        ("https://h/x", "https://other/y", "https://other/y"),
        ("git://h/x", "http://other/y", "http://other/y"),
        ("http://h/x", "http://[2001:db8::1]/y", "http://[2001:db8::1]/y"),
        ("http://h/x", "http://192.0.2.1/y", "http://192.0.2.1/y"),
        ("http://0x7f.1/x", "../y", "http://0x7f.1/y"),
        ("/x.git", "./y", "/x.git/y"),
    ],
)
def test_a_repository_may_name_others(base: str, named: str, address: str) -> None:
    assert follow(base, named, base) == address


@pytest.mark.parametrize(
    ("base", "named", "why"),
    [
        ("https://h/x", "../../y", "above the root"),
        ("https://h/x", "..", "neither relative"),
        ("https://h/x", "ext::sh -c id", "neither relative"),
        ("/srv/x", "../deep/../../etc", "neither in the app"),
        ("https://h/x", "../", "a host, not a repository"),
        ("git@h:x", "../../y", "above the root"),
        ("https://h/x", "/srv/y", "a path on the agent"),
        ("https://h/x", "file:///srv/y", "a path on the agent"),
        ("/srv/x", "../../etc", "neither in the app"),
        ("/srv/x", "/etc", "neither in the app"),
        ("/srv/x", "/srv/../etc/y", "neither in the app"),
        ("/srv/x", "file:///srv/%2e%2e/etc", "neither in the app"),
        ("/srv/x", "/srv", "neither in the app"),
        ("/x", "/etc", "neither in the app"),
        ("/srv/x.git", "/srv/deep/y.git", "neither in the app"),
        ("/srv/x.git", "/srv/.y", "neither in the app"),
        ("/home/ada/x", "/home/ada/.local/share/prevs/mirrors/y.git", "neither in the app"),
        ("/x", "/y", "neither in the app"),
        ("https://h/x", "https://ada:pw@h/y", "a password"),
        ("https://h/x", "https://h/y z", "characters in its address"),
        ("https://h/x", "../../../other.example/y", "above the root"),
        ("https://h/x", "git@h:y", "needs an ssh key"),
        ("git@h:x", "git@other:y", "needs an ssh key"),
        ("https://h/x", "http://h/y", "by http://"),
        ("git@h:x", "http://other/y", "by http://"),
        ("https://h/x", "git://other/y", "by git://"),
        ("git://h/x", "git://other/y", "by git://"),
        *(
            ("https://h/x", f"https://{host}/y", "neither a name nor an IP address")
            for host in ("0x7f.1", "127.1", "2130706433", "%6c.example", "h.example.", "a..b")
        ),
    ],
)
def test_a_repository_may_not_name_these(base: str, named: str, why: str) -> None:
    with pytest.raises(NotAllowed, match=why):
        follow(base, named, base)


@given(st.lists(st.sampled_from(["..", ".", "srv", "git", "a.git", "b", ".git", ".hidden", ""])))
def test_no_path_leads_further_than_to_the_repositories_beside_the_apps(pieces: list[str]) -> None:
    named = "/" + "/".join(pieces)
    with contextlib.suppress(NotAllowed):
        found = PurePosixPath(os.path.normpath(follow("/srv/git/a.git", named, "/srv/git/a.git")))
        inside = found.relative_to("/srv/git").parts
        beside = inside[:1] if inside[1:] == (".git",) else inside
        assert inside[0] == "a.git" or (len(beside) == 1 and not beside[0].startswith("."))


def test_a_submodule_of_another_host_may_not_name_a_path_that_the_app_might() -> None:
    with pytest.raises(NotAllowed, match="a path on the agent"):
        follow("https://other/x", "/srv/secret", "https://h/x")
    # What is reached from a repository of this machine stays bounded by that one's folder.
    with pytest.raises(NotAllowed, match="neither in the app"):
        follow("https://other/x", "/etc", "/srv/x")


@pytest.mark.parametrize(
    ("repository", "named", "server"),
    [
        ("https://h/g/x.git", None, "https://h/g/x.git/info/lfs"),
        ("https://h:8/g/x/", None, "https://h:8/g/x.git/info/lfs"),
        ("git@h:g/x.git", None, "ssh://git@h:22/g/x.git"),
        ("ssh://h:2222/g/x.git", None, "ssh://h:2222/g/x.git"),
        ("git://h/x", None, "https://h/x.git/info/lfs"),
        ("/srv/a b", None, "file:///srv/a%20b"),
        ("git@h:g/x.git", "https://h/lfs/x", "https://h/lfs/x"),
        ("https://h:9/x", "https://H:9/large", "https://H:9/large"),
        ("http://h/x", "https://h/large", "https://h/large"),
        ("git@h:g/x.git", "ssh://git@h/g/y.git", "ssh://git@h/g/y.git"),
    ],
)
def test_large_files_are_at_the_repositorys_host(
    repository: str, named: str | None, server: str
) -> None:
    assert find_large_files(repository, named) == server


@pytest.mark.parametrize(
    "named", ["https://other/x", "file:///srv/x", "/srv/x", "nonsense", "https://a:b@h/x", ""]
)
def test_large_files_elsewhere_are_refused(named: str) -> None:
    with pytest.raises(NotAllowed):
        find_large_files("https://h/x.git", named)


@pytest.mark.parametrize(
    ("repository", "named"),
    [
        ("https://h/x", "ssh://git@h/x"),
        ("https://h/x", "git@h:x"),
        ("https://h/x", "git://h/x"),
        ("https://h/x", "http://h/x"),
        ("https://h/x", "https://h:9/x"),
        ("http://h:8/x", "https://h/x"),
        ("http://h/x", "https://h:8/x"),
        ("git@h:x", "ssh://git@h:2222/x"),
        ("git@h:x", "http://h/x"),
        ("git@h:x", "https://h:8/x"),
    ],
)
def test_another_scheme_or_port_of_the_host_is_another_server(repository: str, named: str) -> None:
    with pytest.raises(NotAllowed, match="own host"):
        find_large_files(repository, named)


def test_a_repository_of_this_machine_keeps_its_large_files_with_itself() -> None:
    for named in ("https://h/x", "file:///etc"):
        with pytest.raises(NotAllowed):
            find_large_files("/srv/x.git", named)
