"""Whether git can read a ref at a real server, with the app's credential."""

from pathlib import Path

import pytest

from framework.errors import SecretsUnreadable
from framework.git.remote_refs import RemoteRefs
from prevs.messages import Credential
from prevs.records import AppRecord
from tests.fakes.samples import SampleRepository
from tests.integration.git.git_servers import TOKEN, USER, HttpsRepositories

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("nobody")]

PULL = "refs/pull/7/head"


def test_a_ref_is_readable_missing_or_refused(
    tmp_path: Path, repository: SampleRepository, server: HttpsRepositories
) -> None:
    repository.commit({"a": "1"})
    repository.git("update-ref", PULL, "HEAD")
    credentials = {"shop": Credential(USER, TOKEN), "wrong": Credential(USER, "wr0ng")}
    refs = RemoteRefs(tmp_path / "git", credentials.get)

    def ask(app: str, ref: str = PULL, name: str = "shop.git") -> str:
        return refs.find_problem(AppRecord(app, server.url(name)), ref)

    assert ask("shop") == ask("shop", "HEAD") == ""
    assert ask("shop", "refs/pull/8/head") == "there is no refs/pull/8/head"
    assert "refuses the app's credential" in ask("wrong")
    assert "has no credential" in ask("other")
    assert ask("shop", name="gone.git")
    assert "wr0ng" not in ask("wrong")


def test_a_credential_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    def refuse(app: str) -> Credential:
        raise SecretsUnreadable(app, "no key opens them")

    refs = RemoteRefs(tmp_path / "git", refuse)
    found = refs.find_problem(AppRecord("shop", "https://git.example.org/shop.git"), PULL)
    assert found
    assert not found.endswith(".")
