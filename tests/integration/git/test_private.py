"""Repositories that require credentials: https with names and passwords, ssh with keys."""

import dataclasses
import logging
import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from executor.errors import RepositoryMoved, RepositoryUnreachable
from prevs.messages import Credential
from tests.fakes.samples import SampleRepository
from tests.integration.git.checkouts import GOOD, Agent, processes, processes_below
from tests.integration.git.git_servers import TOKEN, USER, HttpsRepositories, SshRepositories
from tests.waits import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def sha(repository: SampleRepository) -> str:
    """A commit with one file."""
    return repository.commit({"a": "1"})


ODD = """a b"'$(id)`id`\\n%s;#é"""
"""Signs that mean something to a shell or to git."""


@pytest.mark.parametrize(
    ("credential", "shown"),
    [
        (Credential(password=TOKEN), f"x-access-token:{TOKEN}"),
        (Credential(username=ODD, password=ODD), f"{ODD}:{ODD}"),
    ],
    ids=["a token needs no name", "odd signs are a password"],
)
def test_the_credential_is_sent_to_the_server(
    agent: Agent, server: HttpsRepositories, credential: Credential, shown: str
) -> None:
    agent.failure(server.url("shop.git"), "0" * 40, credential)
    assert server.shown == {shown}


def test_no_file_argument_or_log_has_a_secret(
    agent: Agent,
    sha: str,
    server: HttpsRepositories,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    server.hang.clear()
    reading = threading.Thread(target=agent.failure, args=(server.url("hang/x"), sha, GOOD))
    reading.start()
    wait_until(lambda: server.shown)
    # What others of this machine may see while it is read.
    seen += processes("")
    held = agent.holds(TOKEN)
    server.hang.set()
    reading.join()
    assert any(server.url("hang/x") in line for line in seen)
    assert not any(TOKEN in line for line in seen)
    assert agent.files(server.url("shop.git"), sha, GOOD) == {"a": "1"}
    assert server.shown == {f"{USER}:{TOKEN}"}
    assert held == agent.holds(TOKEN) == []
    assert TOKEN not in caplog.text + repr(agent.log.__dict__)
    assert TOKEN not in repr(dataclasses.replace(GOOD))


def test_the_credential_helper_of_the_agents_user_is_never_run(
    agent: Agent, sha: str, server: HttpsRepositories, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    settings = f"[credential]\n\thelper = store --file={store}\n"
    (tmp_path / "home" / ".gitconfig").write_text(settings)
    assert agent.files(server.url("shop.git"), sha, GOOD) == {"a": "1"}
    assert not store.exists()


def test_a_repository_that_the_agents_user_may_read_needs_no_credential(
    agent: Agent, sha: str, server: HttpsRepositories, tmp_path: Path
) -> None:
    (tmp_path / "home" / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {TOKEN}\n")
    assert agent.files(server.url("shop.git"), sha) == {"a": "1"}


@pytest.mark.parametrize(
    ("credential", "why"),
    [
        (None, "the app has no credential. Give the app a credential"),
        (Credential(USER, "wrong"), "it refuses the app's credential. Check that the token"),
        (Credential(private_key="k", known_hosts="h"), "is an ssh key, .* is read by https"),
    ],
)
def test_a_wrong_credential_is_reported_with_what_to_do(
    agent: Agent,
    sha: str,
    server: HttpsRepositories,
    credential: Credential | None,
    why: str,
) -> None:
    with pytest.raises(RepositoryUnreachable, match=why) as raised:
        agent.files(server.url("shop.git"), sha, credential)
    assert "wrong" not in str(raised.value)


@pytest.mark.parametrize("shown", [set(), {f"{USER}:{TOKEN}"}], ids=["at once", "once it is shown"])
def test_a_redirect_to_another_host_is_reported_and_not_followed(
    agent: Agent, server: HttpsRepositories, elsewhere: HttpsRepositories, shown: set[str]
) -> None:
    """Also if a server requires one and then redirects, as a thief of passwords would."""
    if shown:
        server.redirects_later["/shop.git/"] = elsewhere.url("shop.git/")
    else:
        server.redirects["/shop.git/"] = elsewhere.url("shop.git/")
    with pytest.raises(RepositoryMoved, match="give the app that address") as raised:
        agent.files(server.url("shop.git"), "0" * 40, GOOD)
    assert raised.value.why == f"its server redirects to {elsewhere.url('shop.git')}"
    assert TOKEN not in str(raised.value)
    assert server.shown == shown
    assert elsewhere.requests == []


def test_the_agents_own_credentials_are_never_sent_after_a_redirect(
    agent: Agent,
    sha: str,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
    tmp_path: Path,
) -> None:
    """Otherwise an app's server could have an agent read from another server with its login."""
    line = f"machine localhost login {USER} password {TOKEN}\n"
    (tmp_path / "home" / ".netrc").write_text(line)
    server.guarded = False
    server.redirects["/moved/"] = elsewhere.url("", host="localhost")
    with pytest.raises(RepositoryMoved):
        agent.files(server.url("moved/shop.git"), sha)
    assert elsewhere.requests == []


def test_a_redirect_on_the_same_host_is_followed(
    agent: Agent, repository: SampleRepository, sha: str, server: HttpsRepositories
) -> None:
    server.redirects["/old/"] = server.url("older/")
    server.redirects["/older/"] = "/"
    address = server.url("old/shop.git")
    assert agent.files(address, sha, GOOD) == {"a": "1"}
    assert agent.files(address, repository.commit({"a": "2"}), GOOD) == {"a": "2"}
    assert len(agent.mirrors) == 1


def test_endless_redirects_are_given_up(agent: Agent, server: HttpsRepositories) -> None:
    server.redirects["/old/"] = server.url("old/")
    with pytest.raises(RepositoryUnreachable):
        agent.files(server.url("old/shop.git"), "0" * 40, GOOD)


def test_a_stop_ends_a_fetch_over_https_and_removes_what_it_had(
    agent: Agent, server: HttpsRepositories
) -> None:
    agent.stop_once(lambda: server.shown, server.url("hang/shop.git"), "0" * 40, GOOD)


def key_of(ssh: SshRepositories) -> Credential:
    return Credential(private_key=ssh.private_key, known_hosts=ssh.known_hosts)


def test_a_key_with_other_line_ends_is_accepted(
    agent: Agent, repository: SampleRepository, sha: str, ssh: SshRepositories
) -> None:
    pasted = ssh.private_key.strip().replace("\n", "\r\n")
    credential = dataclasses.replace(key_of(ssh), private_key=pasted)
    assert agent.files(ssh.url(repository.folder), sha, credential) == {"a": "1"}
    assert agent.holds(ssh.private_key.splitlines()[1]) == []


def test_the_file_of_a_key_is_readable_only_by_its_owner_and_exists_only_while_needed(
    agent: Agent, ssh: SshRepositories, tmp_path: Path
) -> None:
    shown = tmp_path / "shown"
    # What git starts at the other end hangs until the test has looked.
    hanging = tmp_path / "commands" / "git-upload-pack"
    hanging.write_text(f"#!/bin/sh\ntouch {shown}\nexec cat >/dev/null\n")
    hanging.chmod(0o755)
    modes: dict[str, int] = {}
    seen: list[str] = []

    def look() -> bool:
        if not shown.exists():
            return False
        keys = agent.folder / "trees" / "task.keys"
        modes.update({path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()})
        modes["."] = stat.S_IMODE(keys.stat().st_mode)
        seen.extend(processes_below(agent.folder))
        return True

    agent.stop_once(look, ssh.url(tmp_path / "shop.git"), "0" * 40, key_of(ssh))
    assert (modes["."], modes["key"], modes["known_hosts"]) == (0o700, 0o600, 0o600)
    assert any(line.startswith("ssh ") for line in seen), seen
    wait_until(lambda: not processes_below(agent.folder))


def test_wrong_keys_are_reported_with_what_to_do(
    agent: Agent, repository: SampleRepository, sha: str, ssh: SshRepositories, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)]
    subprocess.run(command, check=True)
    known_of_another = (
        ssh.known_hosts.split(" ", 1)[0] + " " + other.with_suffix(".pub").read_text()
    )
    good = key_of(ssh)
    for credential, why in (
        (dataclasses.replace(good, known_hosts=known_of_another), "is not in the credential"),
        (dataclasses.replace(good, private_key=other.read_text()), "refuses the app's deploy key"),
        (dataclasses.replace(good, private_key="nonsense"), "deploy key cannot be used"),
        (None, "ssh key is not known"),
    ):
        with pytest.raises(RepositoryUnreachable, match=why):
            agent.files(ssh.url(repository.folder), sha, credential)


def test_a_credential_overrides_the_users_known_hosts_and_ssh_settings(
    agent: Agent, repository: SampleRepository, sha: str, ssh: SshRepositories
) -> None:
    # ssh finds its user's folder by the user's name, not by HOME: so another option is tried.
    agent.environ = {**os.environ, "GIT_SSH_COMMAND": "ssh -o StrictHostKeyChecking=no"}
    stranger = dataclasses.replace(key_of(ssh), known_hosts="[127.0.0.1]:1 ssh-ed25519 AAAA")
    with pytest.raises(RepositoryUnreachable, match="is not in the credential"):
        agent.files(ssh.url(repository.folder), sha, stranger)


def test_a_commit_of_the_mirror_is_not_fetched_again_with_any_credential(
    agent: Agent, repository: SampleRepository, sha: str, server: HttpsRepositories
) -> None:
    """The framework decides who may see an app; its repository is read once."""
    agent.files(server.url("shop.git"), sha, GOOD)
    shutil.rmtree(repository.folder)
    assert agent.files(server.url("shop.git"), sha) == {"a": "1"}
