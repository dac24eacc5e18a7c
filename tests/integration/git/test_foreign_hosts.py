"""Hosts that a commit names besides the app's own: which are contacted, at which address.

All servers of the tests are on loopback, which is closed to commits. So tests that read something
give the decision another list of closed networks; the git is a real one.
"""

import ipaddress
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from executor.errors import SubmoduleUnusable
from executor.git.foreign_hosts import ForeignHosts, Place
from executor.limits.confinement import Confinement
from tests.fakes.samples import SampleRepository
from tests.free_ports import free_port
from tests.integration.git.checkouts import GOOD, Agent, link
from tests.integration.git.git_servers import HttpsRepositories

pytestmark = pytest.mark.integration

NAME = "library.example"
"""A name that no nameserver knows, and that the servers' certificate is for."""


class Names:
    """A resolver with fixed answers, which records its lookups."""

    def __init__(self, *addresses: str) -> None:
        self.places = [Place(address) for address in addresses]
        self.lookups: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> Sequence[Place]:
        self.lookups.append((host, port))
        return self.places


@pytest.fixture
def inner(root: Path, repository: SampleRepository) -> str:
    """A commit of a library, which the app's repository is to name."""
    repository.commit({"a": "1"})
    return SampleRepository(root / "library.git").commit({"b": "2"})


@pytest.fixture
def name(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories, inner: str
) -> Callable[[str], dict[str, str]]:
    """Have the app's repository name an address; return the files of that commit."""

    def have(url: str) -> dict[str, str]:
        sha = link(repository, url, "library", inner)
        return agent.files(server.url("shop.git"), sha, GOOD)

    return have


def test_an_executor_with_defaults_connects_to_nothing_on_loopback(
    agent: Agent, name: Callable[[str], dict[str, str]], elsewhere: HttpsRepositories
) -> None:
    elsewhere.guarded = False
    everything = [ipaddress.ip_network("0.0.0.0/0")]
    for allowed in ([], everything):
        agent.hosts = ForeignHosts(Confinement(allowed=allowed), {})
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(SubmoduleUnusable, match="was not read there"):
                name(elsewhere.url("library.git", host=host))
    assert elsewhere.requests == []


def test_git_connects_to_the_address_that_was_checked(
    agent: Agent,
    name: Callable[[str], dict[str, str]],
    elsewhere: HttpsRepositories,
) -> None:
    """No nameserver knows the name: git knows only the address that it was given."""
    elsewhere.guarded = False
    names = Names("10.9.9.9", "127.0.0.1")
    agent.hosts = ForeignHosts(Confinement(), {}, resolve=names, never=())
    assert name(elsewhere.url("library.git", host=NAME))["library/b"] == "2"
    assert names.lookups == [(NAME, elsewhere.port)]


def test_a_commit_of_the_mirror_needs_neither_the_host_nor_its_name(
    agent: Agent, name: Callable[[str], dict[str, str]], elsewhere: HttpsRepositories
) -> None:
    elsewhere.guarded = False
    agent.hosts = ForeignHosts(Confinement(), {}, resolve=Names("127.0.0.1"), never=())
    url = elsewhere.url("library.git", host=NAME)
    assert name(url)["library/b"] == "2"
    before = len(elsewhere.requests)
    agent.hosts = ForeignHosts(Confinement(), {}, resolve=Names())
    assert name(url)["library/b"] == "2"
    assert len(elsewhere.requests) == before


def test_the_error_is_the_same_whatever_the_foreign_host_does(
    agent: Agent,
    name: Callable[[str], dict[str, str]],
    elsewhere: HttpsRepositories,
    caplog: pytest.LogCaptureFixture,
) -> None:
    elsewhere.redirects["/moved"] = "http://127.0.0.1:1/x"
    elsewhere.guarded_paths.append("/library.git")
    here, nowhere = Names("127.0.0.1"), Names()
    closed = elsewhere.url("library.git")
    elsewhere.guarded = False
    cases = [
        (here, closed, "asks for a credential|could not read|asks for a name"),
        (here, elsewhere.url("none.git"), "not found"),
        (here, elsewhere.url("moved"), "redirects to http://127.0.0.1:1/x"),
        (here, elsewhere.url("library.git", host="other.example"), "certificate|SSL"),
        (here, f"https://{NAME}:{free_port()}/library.git", "onnect"),
        (nowhere, f"https://{NAME}/library.git", r"\(found: none\)"),
    ]
    messages = set()
    with caplog.at_level(logging.WARNING, "executor.git.checkout"):
        for resolve, url, detail in cases:
            caplog.clear()
            agent.hosts = ForeignHosts(Confinement(), {}, resolve=resolve, never=())
            with pytest.raises(SubmoduleUnusable) as raised:
                name(url)
            messages.add(str(raised.value).replace(url, "URL"))
            assert [record for record in caplog.records if _matches(detail, record)], url
        caplog.clear()
        agent.hosts = ForeignHosts(Confinement(), {}, resolve=Names("10.1.2.3"))
        with pytest.raises(SubmoduleUnusable) as raised:
            name(f"https://{NAME}/library.git")
        messages.add(str(raised.value).replace(f"https://{NAME}/library.git", "URL"))
        assert "(found: 10.1.2.3)" in caplog.text
    assert messages == {
        "The submodule library cannot be used: its repository, URL, is on another host than the "
        "app's, and was not read there. Anybody must be able to read it, at a public address or "
        "at one that the agents' operator has opened for previews (PREVS_ALLOW). The executor's "
        "stderr in the sandbox has the details."
    }


def _matches(detail: str, record: logging.LogRecord) -> bool:
    return re.search(detail, record.getMessage()) is not None


def test_a_git_that_cannot_be_given_an_address_connects_to_nothing(
    agent: Agent,
    name: Callable[[str], dict[str, str]],
    elsewhere: HttpsRepositories,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    elsewhere.guarded = False
    old = tmp_path / "old" / "git"
    old.parent.mkdir()
    old.write_text(
        "#!/bin/sh\n"
        'test "$1" = version && { echo git version 2.36.6; exit; }\n'
        'exec /usr/bin/git "$@"\n'
    )
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent), prepend=":")
    agent.hosts = ForeignHosts(Confinement(), {}, resolve=Names("127.0.0.1"), never=())
    with pytest.raises(SubmoduleUnusable, match="was not read there"):
        name(elsewhere.url("library.git"))
    assert elsewhere.requests == []
    assert "git is older than 2.37" in caplog.text


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that refuses everything, and the first lines of its requests."""
    lines: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                connection, _ = listener.accept()
                with connection:
                    line = connection.recv(1000).partition(b"\r\n")[0]
                    if not line:
                        return
                    lines.append(line)
                    connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        yield f"http://127.0.0.1:{port}", lines
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()


def test_a_name_that_only_a_proxy_resolves_is_fetched_through_it_and_never_without(
    agent: Agent,
    name: Callable[[str], dict[str, str]],
    server: HttpsRepositories,
    proxy: tuple[str, list[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise a name could resolve to nothing at the check and to loopback afterwards."""
    address, lines = proxy
    # The test's own server is no host of the proxy's.
    environ = {"https_proxy": address, "no_proxy": f"127.0.0.1,{NAME}"}
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    agent.hosts = ForeignHosts(Confinement(), environ, resolve=Names())
    with pytest.raises(SubmoduleUnusable, match="was not read there"):
        name(f"https://{NAME}/library.git")
    assert lines
    assert {line.split()[1] for line in lines} == {f"{NAME}:443".encode()}
    lines.clear()
    agent.hosts = ForeignHosts(Confinement(), environ, resolve=Names("10.1.2.3"))
    with pytest.raises(SubmoduleUnusable, match="was not read there"):
        name(f"https://{NAME}/other.git")
    assert lines == []
