"""program/git/redirects.py: which redirects of a repository are followed."""

import pytest

from program.git.redirects import Redirected, RedirectRefused, find_moved, follow, is_redirected

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
def test_redirects_within_the_origin_are_followed(address: str, location: str, moved: str) -> None:
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
        ("https://h/x", f"https://ada:s3cret@h/x{TAIL}", "https://***@h/x"),
        ("https://h/x", f"https://h@other/x{TAIL}", "https://***@other/x"),
        ("https://h/x", "https://h/login?token=s3cret", "https://h/login"),
        ("https://h/x", "https://other?@h/x", "https://other"),
        ("https://h/x", "file:///etc", "file:///etc"),
        ("https://h/x", f"ext::sh{TAIL}", "ext::sh"),
    ],
)
def test_redirects_to_another_origin_are_refused(address: str, location: str, shown: str) -> None:
    with pytest.raises(RedirectRefused) as raised:
        find_moved(address, traced(location))
    assert raised.value.why == f"its server redirects to {shown}"
    assert raised.value.advice.startswith("git does not follow it there")


def test_a_redirect_without_a_location_is_refused() -> None:
    with pytest.raises(RedirectRefused, match="nowhere"):
        find_moved("https://h/x", traced())


def test_a_redirect_is_distinguished_from_other_failures_of_git() -> None:
    output = "fatal: unable to access 'https://h/x/': The requested URL returned error: "
    assert is_redirected(output + "301")
    assert is_redirected(output + "307")
    assert not is_redirected(output + "403")
    assert not is_redirected(output + "500")


class Server:
    """A server at h that redirects from each repository in `moves`; others get requests too.

    An answer is the requested address.
    """

    def __init__(self, moves: dict[str, str]) -> None:
        self.moves = moves
        self.requested: list[str] = []

    def read(self, address: str) -> str:
        self.requested.append(address)
        if address in self.moves:
            raise Redirected
        return f"answer of {address}"

    def trace(self, address: str) -> str:
        return traced(f"{self.moves[address]}{TAIL}")

    def follow(self, address: str) -> str:
        return follow(address, self.read, self.trace)


def test_git_runs_again_where_a_repository_has_moved_to() -> None:
    server = Server({"https://h/a": "https://h/b", "https://h/b": "https://h/c"})
    assert server.follow("https://h/a") == "answer of https://h/c"
    assert server.requested == ["https://h/a", "https://h/b", "https://h/c"]


def test_no_request_goes_to_another_server() -> None:
    server = Server({"https://h/a": "https://h/b", "https://h/b": "https://evil/c"})
    with pytest.raises(RedirectRefused, match="redirects to https://evil/c"):
        server.follow("https://h/a")
    assert server.requested == ["https://h/a", "https://h/b"]


def test_endless_redirects_are_given_up() -> None:
    server = Server({"https://h/a": "https://h/b", "https://h/b": "https://h/a"})
    with pytest.raises(RedirectRefused, match="again and again"):
        server.follow("https://h/a")
    assert len(server.requested) == 5
