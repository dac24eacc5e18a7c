"""program/git_redirects.py: which redirects of a repository are followed."""

import pytest

from program.git_redirects import LedElsewhere, find_moved, is_redirected

TAIL = "/info/refs?service=git-upload-pack"


def traced(*locations: str) -> str:
    lines = [f"12:00:00.0 http.c:1 <= Recv header: Location: {one}\n" for one in locations]
    return "== Info: Connected\n" + "".join(lines) + "fatal: unable to access\n"


@pytest.mark.parametrize(
    ("address", "location", "moved"),
    [
        ("https://h/x", f"https://h/x.git{TAIL}", "https://h/x.git"),
        ("https://h:8/x/", f"https://H:8/new/x{TAIL}", "https://H:8/new/x"),
        ("https://h/x", f"/new/x{TAIL}", "https://h/new/x"),
        ("https://ada@h/x", f"https://h/y{TAIL}", "https://h/y"),
        ("http://h/x", f"https://h/x{TAIL}", "https://h/x"),
        ("http://h/x", f"https://h:443/x{TAIL}", "https://h:443/x"),
    ],
)
def test_what_stays_at_its_origin_is_followed(address: str, location: str, moved: str) -> None:
    assert find_moved(address, traced("https://other/earlier", location)) == moved


@pytest.mark.parametrize(
    ("address", "location", "shown"),
    [
        ("https://h/x", f"https://other/x{TAIL}", "https://other/x"),
        ("https://h/x", f"https://h:8/x{TAIL}", "https://h:8/x"),
        ("https://h/x", f"http://h/x{TAIL}", "http://h/x"),
        ("http://h:8/x", f"https://h/x{TAIL}", "https://h/x"),
        ("http://h/x", f"https://h:8/x{TAIL}", "https://h:8/x"),
        ("https://h/x", f"//other/x{TAIL}", "https://other/x"),
        ("https://h/x", f"https://ada:s3cret@h/x{TAIL}", "https://h/x"),
        ("https://h/x", f"https://h@other/x{TAIL}", "https://other/x"),
        ("https://h/x", "https://h/login?token=s3cret", "https://h/login"),
        ("https://h/x", "file:///etc", "file:///etc"),
        ("https://h/x", f"ext::sh{TAIL}", "ext::sh"),
    ],
)
def test_what_leaves_it_is_not(address: str, location: str, shown: str) -> None:
    with pytest.raises(LedElsewhere) as raised:
        find_moved(address, traced(location))
    assert str(raised.value) == shown


def test_no_place_at_all_is_none() -> None:
    with pytest.raises(LedElsewhere, match="nowhere"):
        find_moved("https://h/x", traced())


def test_what_git_says_of_redirects_is_told_from_other_failures() -> None:
    said = "fatal: unable to access 'https://h/x/': The requested URL returned error: "
    assert is_redirected(said + "301")
    assert is_redirected(said + "307")
    assert not is_redirected(said + "403")
    assert not is_redirected(said + "500")
