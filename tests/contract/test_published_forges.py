"""The doubles of forges against what forges have published, and other people's clients."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_forges import MANY, fill
from tests.fakes.forges.clients import client_of
from tests.fakes.forges.github import GiteaServer, GitHubServer
from tests.fakes.forges.gitlab import GitLabServer
from tests.fakes.forges.server import (
    DAY,
    FORK,
    TOKEN,
    CommentFacts,
    ForgeServer,
    PullFacts,
    Reply,
    Request,
    in_json,
    sha_of,
)
from tests.published import FOLDER, github_api

pytestmark = [pytest.mark.contract, pytest.mark.daemons]

CLIENTS = Path(github_api.__file__).with_name("clients.mjs")
PULLS = "/repos/group/shop/pulls"


def find_mismatches(request: Request, reply: Reply) -> list[str]:
    return list(github_api.load().find_mismatches(request, request.path, reply))


def test_an_answer_that_github_would_not_give_is_found() -> None:
    server = GitHubServer()
    server.close()
    asked = Request(PULLS, {"state": "open", "per_page": "100", "page": "2"}, {})
    shown = server.show_pull(PullFacts(1, sha_of(1), head=None))
    assert find_mismatches(asked, in_json([shown])) == []
    changes: Sequence[Mapping[str, Any]] = (
        {"head": {}},
        {"number": "1"},
        {"created_at": "yesterday"},
        {"state": None},
        {"invented": True},
        {"user": {**shown["user"], "login": None}},
    )
    for change in changes:
        (mismatch,) = find_mismatches(asked, in_json([{**shown, **change}]))[:1]
        assert next(iter(change)) in mismatch
    assert find_mismatches(asked, in_json([], 201)) == [f"GET {PULLS}: 201 is none of its answers"]


@pytest.mark.parametrize(
    "request_",
    [
        Request(PULLS, {"limit": "50"}, {}),
        Request(PULLS, {"state": "opened"}, {}),
        Request(PULLS, {"per_page": "many"}, {}),
        Request(PULLS, {}, {}, "GET", b'{"state": "open"}'),
        Request(PULLS, {}, {}, "PATCH"),
        Request("/repos/group/shop/merge_requests", {}, {}),
        Request(f"{PULLS[:-5]}issues/1/comments", {}, {}, "POST", b'{"text": "hello"}'),
    ],
    ids=["parameter", "value", "type", "body", "method", "path", "field"],
)
def test_a_request_that_github_does_not_take_is_found(request_: Request) -> None:
    reply = in_json([], 200 if request_.method == "GET" else 201)
    assert find_mismatches(request_, reply) != []


@pytest.mark.parametrize(
    "kind", [GitHubServer, GiteaServer, GitLabServer], ids=lambda one: one.kind
)
def test_clients_of_other_people_read_the_double_as_we_do(kind: type[ForgeServer]) -> None:
    """@octokit/rest, gitea-js and @gitbeaker/rest."""
    server = kind()
    try:
        fill(server, MANY)
        server.pulls[0].head = FORK
        server.comments = [CommentFacts(1, 11, "bob", "hello", DAY, DAY)]
        done = subprocess.run(
            ["node", "--input-type=module", "-", kind.kind, server.origin, TOKEN],
            cwd=FOLDER,
            input=CLIENTS.read_text(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        client = client_of(server)
        pulls = client.open_pulls().pulls
        assert json.loads(done.stdout) == {
            "pulls": [[one.number, one.sha, one.is_fork, one.base] for one in pulls],
            "comments": [[one.id, one.author, one.text] for one in client.comments(1, 0.0)],
            "writes": client.may_write("ada"),
        }
    finally:
        server.close()
