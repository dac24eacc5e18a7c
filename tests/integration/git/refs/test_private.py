"""Repositories that require a credential, read by the framework."""

import stat
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from framework.errors import RepositoryUnreachable
from framework.git.mirrors import Mirrors
from prevs.messages import Credential
from prevs.records import AppRecord
from tests.fakes.samples import SampleRepository
from tests.integration.git.git_servers import TOKEN, USER, HttpsRepositories, SshRepositories
from tests.integration.git.refs.sources import Clock
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("nobody")]


def mirrors_of(tmp_path: Path, credentials: Mapping[str, Credential]) -> Mirrors:
    return Mirrors(tmp_path / "mirrors", Clock(), credential=credentials.get)


def files(folder: Path, secret: str) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in found if secret.encode() in path.read_bytes()]


def test_each_app_is_read_with_its_own_credential(
    tmp_path: Path, repository: SampleRepository, server: HttpsRepositories
) -> None:
    sha = repository.commit({"a": "1"})
    mirrors = mirrors_of(tmp_path, {"shop": Credential(USER, TOKEN)})
    assert mirrors.resolve(AppRecord("shop", server.url("shop.git")), "main").sha == sha
    with pytest.raises(RepositoryUnreachable, match=r"has no credential\. Give the app a cred"):
        mirrors.resolve(AppRecord("other", server.url("shop.git")), "main")
    assert server.shown == {f"{USER}:{TOKEN}"}
    assert files(tmp_path / "mirrors", TOKEN) == []


def test_a_credential_that_changes_is_used_at_once(
    tmp_path: Path, repository: SampleRepository, server: HttpsRepositories
) -> None:
    repository.commit({"a": "1"})
    credentials = {"shop": Credential(USER, "wr0ng")}
    mirrors = mirrors_of(tmp_path, credentials)
    app = AppRecord("shop", server.url("shop.git"))
    with pytest.raises(RepositoryUnreachable, match="refuses the app's credential") as raised:
        mirrors.heads(app)
    assert "wr0ng" not in str(raised.value)
    credentials["shop"] = Credential(USER, TOKEN)
    assert list(mirrors.heads(app).commits) == ["main"]


def test_a_redirect_to_another_host_is_reported_and_not_followed(
    tmp_path: Path,
    repository: SampleRepository,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
) -> None:
    repository.commit({"a": "1"})
    server.redirects_later["/shop.git/"] = elsewhere.url("shop.git/")
    mirrors = mirrors_of(tmp_path, {"shop": Credential(USER, TOKEN)})
    with pytest.raises(RepositoryUnreachable, match="give the app that address") as raised:
        mirrors.heads(AppRecord("shop", server.url("shop.git")))
    assert elsewhere.url("shop.git") in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert server.shown == {f"{USER}:{TOKEN}"}
    assert elsewhere.requests == []


def test_the_frameworks_own_credentials_are_never_sent_after_a_redirect(
    tmp_path: Path,
    repository: SampleRepository,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
) -> None:
    repository.commit({"a": "1"})
    (tmp_path / ".netrc").write_text(f"machine localhost login {USER} password {TOKEN}\n")
    server.guarded = False
    server.redirects["/moved/"] = elsewhere.url("", host="localhost")
    with pytest.raises(RepositoryUnreachable, match="redirects to https://localhost"):
        mirrors_of(tmp_path, {}).heads(AppRecord("shop", server.url("moved/shop.git")))
    assert elsewhere.requests == []


def test_a_redirect_on_the_same_host_is_followed(
    tmp_path: Path, repository: SampleRepository, server: HttpsRepositories
) -> None:
    sha = repository.commit({"a": "1"})
    server.redirects["/old/"] = server.url("")
    mirrors = mirrors_of(tmp_path, {"shop": Credential(USER, TOKEN)})
    app = AppRecord("shop", server.url("old/shop.git"))
    assert dict(mirrors.heads(app).commits)["main"] == sha
    server.redirects["/old/"] = "/old/"
    with pytest.raises(RepositoryUnreachable, match="again and again"):
        mirrors.heads(app)


def test_a_deploy_key_is_there_while_it_is_needed_and_known_hosts_are_pinned(
    tmp_path: Path, repository: SampleRepository, ssh: SshRepositories
) -> None:
    sha = repository.commit({"a": "1"})
    good = Credential(private_key=ssh.private_key, known_hosts=ssh.known_hosts)
    unknown = Credential(private_key=ssh.private_key, known_hosts="h ssh-ed25519 AAAA")
    without = Credential(private_key=ssh.private_key)
    mirrors = mirrors_of(tmp_path, {"shop": good, "unknown": unknown, "without": without})
    address = ssh.url(repository.folder)
    assert mirrors.resolve(AppRecord("shop", address), "main").sha == sha
    for app, why in (("unknown", "is not in the credential"), ("without", "ssh-keyscan")):
        with pytest.raises(RepositoryUnreachable, match=why):
            mirrors.resolve(AppRecord(app, address), "main")
    assert files(tmp_path / "mirrors", ssh.private_key.splitlines()[1]) == []


def test_a_key_is_readable_only_by_its_owner_and_one_left_by_a_killed_framework_is_removed(
    tmp_path: Path, ssh: SshRepositories
) -> None:
    good = Credential(private_key=ssh.private_key, known_hosts=ssh.known_hosts)
    mirrors = mirrors_of(tmp_path, {"shop": good})
    shown, go_on = tmp_path / "shown", tmp_path / "go-on"
    program = tmp_path / "commands" / "git-upload-pack"
    program.write_text(
        f"#!/bin/sh\ntouch {shown}\nfor i in $(seq 600); do test -e {go_on} && exit 1; "
        "sleep 0.1; done\n"
    )
    program.chmod(0o755)

    def read() -> None:
        with pytest.raises(RepositoryUnreachable):
            mirrors.heads(AppRecord("shop", ssh.url(tmp_path / "x.git")))

    reading = threading.Thread(target=read)
    reading.start()
    wait_until(shown.exists)
    (folder,) = (tmp_path / "mirrors").glob("keys-*")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    outer = stat.S_IMODE(folder.stat().st_mode)
    go_on.touch()
    reading.join()
    assert (modes, outer) == ({0o600}, 0o700)
    assert not folder.exists()
    folder.mkdir()
    (folder / "key").touch()
    mirrors_of(tmp_path, {})
    assert not folder.exists()
