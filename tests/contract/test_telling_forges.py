"""What prevs writes at every kind of forge: a client of ours, and a double of the forge."""

from typing import Any

import gitlab
import pytest

from framework.forges.forge_kind import ForgeKind
from framework.forges.setup.check import PARTS, Connection, check
from framework.ports.forge_errors import ForgeBusy, ForgeRefused, ForgeUnreachable
from framework.ports.forges import Finding, Webhook
from framework.ports.telling import Deployment, Light, Status
from prevs.records import AppRecord
from tests.contract import pygithub
from tests.fakes.forges.clients import KINDS, client_of
from tests.fakes.forges.github import GitHubServer
from tests.fakes.forges.gitlab import GitLabServer
from tests.fakes.forges.server import (
    DAY,
    TOKEN,
    CommentFacts,
    ForgeServer,
    PullFacts,
    Reply,
    Request,
    sha_of,
)

pytestmark = pytest.mark.contract

MARKER = "<!-- prevs 4f1c/shop -->"
TEXT = f"{MARKER}\n**shop** follows\n\n| a | b |\n|---|---|\n| `@ada` | #7 ä |\n"
SHA = sha_of(7)
STATES = {
    "github": ("success", "pending", "failure"),
    "gitea": ("success", "pending", "failure"),
    "gitlab": ("success", "running", "failed"),
    "pagure": ("success", "pending", "failure"),
}


@pytest.fixture
def client(forge: ForgeServer) -> ForgeKind:
    forge.pulls = [PullFacts(7, SHA), PullFacts(8, sha_of(8))]
    return client_of(forge)


def check_all(
    forge: ForgeServer, client: ForgeKind, tell: tuple[str, ...] = ("comment", "status")
) -> dict[str, Finding]:
    app = AppRecord("shop", forge.repository, forge=forge.kind, tell=tell)
    found = check(Connection(app, True, client, None, Webhook("https://x/"), lambda _: ""))
    return {one.part: one for one in found}


def status(light: Light, sha: str = SHA, text: str = "opens at pr-7") -> Status:
    return Status(sha, light, "prevs/shop", text, "https://pr-7.shop.prevs.example/")


def test_a_comment_is_made_found_and_edited(forge: ForgeServer, client: ForgeKind) -> None:
    assert client.find_comment(7, MARKER) == ""
    made = client.add_comment(7, TEXT)
    (comment,) = forge.comments
    assert (comment.number, comment.text, str(comment.id)) == (7, TEXT, made)
    assert client.find_comment(7, MARKER) == made
    assert client.find_comment(8, MARKER) == ""
    assert client.edit_comment(7, made, TEXT + "more")
    if forge.kind == "pagure":  # its API edits no comments
        assert [one.text for one in forge.comments] == [TEXT]
    else:
        assert [one.text for one in forge.comments] == [TEXT + "more"]


def test_ours_is_found_among_250_comments_and_the_oldest_of_two_counts(
    forge: ForgeServer, client: ForgeKind
) -> None:
    for number in range(250):
        text = f"as they said: {MARKER}" if number == 3 else "hello"
        forge.comments.append(CommentFacts(7, number + 1, "eve", text, DAY + number, DAY + number))
    first, second = forge.add_comment(7, TEXT), forge.add_comment(7, TEXT)
    assert first.id < second.id
    assert client.find_comment(7, MARKER) == str(first.id)


def test_a_comment_that_somebody_has_deleted_is_gone(forge: ForgeServer, client: ForgeKind) -> None:
    made = client.add_comment(7, TEXT)
    forge.comments.clear()
    assert client.edit_comment(7, made, TEXT) is (forge.kind == "pagure")


def test_a_repository_that_is_gone_is_no_deleted_comment(forge: ForgeServer) -> None:
    if forge.kind == "pagure":  # its API edits no comments
        return
    with pytest.raises(ForgeRefused) as refused:
        client_of(forge, name="group/gone").edit_comment(7, "501", TEXT)
    assert refused.value.status == 404


def test_a_status_shows_each_light(forge: ForgeServer, client: ForgeKind) -> None:
    for light in (Light.PENDING, Light.FAILURE, Light.SUCCESS):
        client.set_status(7, status(light))
    client.set_status(8, status(Light.PENDING, sha_of(8)))
    success, pending, failure = STATES[forge.kind]
    assert [(one.sha, one.state) for one in forge.statuses] == [
        (SHA, pending),
        (SHA, failure),
        (SHA, success),
        (sha_of(8), pending),
    ]
    last = forge.statuses[2]
    assert (last.context, last.text) == ("prevs/shop", "opens at pr-7")
    assert last.url == "https://pr-7.shop.prevs.example/"


def test_a_status_that_is_there_already_is_no_error(forge: ForgeServer, client: ForgeKind) -> None:
    client.set_status(7, status(Light.PENDING))
    client.set_status(7, status(Light.PENDING))
    assert {one.state for one in forge.statuses} == {STATES[forge.kind][1]}


@pytest.mark.parametrize(
    ("reply", "error", "detail"),
    [
        (Reply(403, {"Retry-After": "30"}), ForgeBusy, 30),
        (Reply(429), ForgeBusy, 60),
        (Reply(403), ForgeRefused, 403),
        (Reply(404), ForgeRefused, 404),
        (Reply(410), ForgeRefused, 410),
        (Reply(422, body=b'{"message": "request 12AB"}'), ForgeRefused, 422),
        (Reply(500), ForgeUnreachable, None),
        (Reply(302, {"Location": "/login"}), ForgeUnreachable, None),
        (Reply(200, body=b'{"id": '), ForgeUnreachable, None),
    ],
)
def test_each_refusal_of_a_comment_has_its_error(
    forge: ForgeServer, client: ForgeKind, reply: Reply, error: Any, detail: float | None
) -> None:
    # Pagure's answer to a comment says nothing, so the next one is read.
    method = "GET" if reply.status == 200 and forge.kind == "pagure" else "POST"
    forge.mishap = lambda request: reply if request.method == method else None
    with pytest.raises(error) as raised:
        client.add_comment(7, TEXT)
    shown = [getattr(raised.value, name, None) for name in ("seconds", "status")]
    assert detail in shown
    assert "12AB" not in str(raised.value)


def test_a_write_follows_a_renamed_repository_and_no_page_elsewhere(
    forge: ForgeServer, client: ForgeKind
) -> None:
    code, moved = 0, set()

    def move(request: Request) -> Reply | None:
        if request.method == "GET" or code in moved:
            return None
        moved.add(code)
        return Reply(code, {"Location": request.path})

    forge.mishap = move
    for code in (301, 307, 308):
        client.set_status(7, status(Light.SUCCESS, text=f"after {code}"))
    assert [one.text for one in forge.statuses] == ["after 301", "after 307", "after 308"]
    other = GitHubServer()
    try:
        forge.mishap = lambda request: Reply(307, {"Location": f"{other.origin}{request.path}"})
        with pytest.raises(ForgeUnreachable, match="the new address of its repository"):
            client.add_comment(7, TEXT)
        assert other.requests == []
    finally:
        other.close()


def test_a_list_that_breaks_off_is_no_reason_for_a_second_comment(
    forge: ForgeServer, client: ForgeKind
) -> None:
    forge.comments = [
        CommentFacts(7, number, "eve", "hello", DAY + number, DAY + number)
        for number in range(1, 120)
    ]
    forge.add_comment(7, TEXT)
    forge.mishap = lambda request: (
        Reply(502) if request.query.get("page") == "2" or forge.kind == "pagure" else None
    )
    with pytest.raises(ForgeUnreachable):
        client.find_comment(7, MARKER)


def test_a_deployment_is_made_found_and_ended(github: GitHubServer) -> None:
    github.pulls = [PullFacts(7, SHA), PullFacts(8, SHA)]
    deployments = client_of(github).deployments
    assert deployments is not None
    seven, eight = Deployment(7, SHA, "prevs/shop"), Deployment(8, SHA, "prevs/shop")
    assert deployments.find(seven) == ""
    made = deployments.add(seven)
    assert deployments.find(seven) == made
    assert deployments.find(eight) == ""
    for light in (Light.PENDING, Light.SUCCESS, Light.FAILURE, Light.INACTIVE):
        deployments.set(made, status(light))
    (one,) = github.deployments
    states = [shown["state"] for shown in one.statuses]
    assert states == ["in_progress", "success", "failure", "inactive"]
    assert one.statuses[1]["environment_url"] == "https://pr-7.shop.prevs.example/"
    deployments.set("9999", status(Light.INACTIVE))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not GitHubServer])
def test_only_github_has_deployments(kind: type[ForgeServer]) -> None:
    server = kind()
    try:
        assert client_of(server).deployments is None
    finally:
        server.close()


@pytest.mark.parametrize("lacks", ["comment", "status", ""])
def test_a_check_says_what_may_be_said_and_leaves_nothing(
    forge: ForgeServer, client: ForgeKind, lacks: str
) -> None:
    forge.rights -= {lacks}
    found = check_all(forge, client)
    assert list(found) == list(PARTS)
    # GitLab knows one scope for both.
    no_status = lacks == "status" or (lacks == "comment" and forge.kind == "gitlab")
    assert (found["comments"].ok, found["statuses"].ok) == (lacks != "comment", not no_status)
    if lacks:
        assert "docs/forges/" in found["comments" if lacks == "comment" else "statuses"].advice
    assert (forge.comments, forge.statuses) == ([], [])


def test_a_check_tries_only_what_the_app_says(forge: ForgeServer, client: ForgeKind) -> None:
    found = check_all(forge, client, ("status",))
    assert (found["comments"].ok, found["statuses"].ok) == (None, True)
    forge.pulls = []
    assert check_all(forge, client, ("status",))["statuses"].ok is None


def test_pygithub_reads_what_we_write(github: GitHubServer) -> None:
    github.pulls = [PullFacts(7, SHA)]
    client = client_of(github)
    deployments = client.deployments
    assert deployments is not None
    made = client.add_comment(7, TEXT)
    client.edit_comment(7, made, TEXT + "more")
    deployment = deployments.add(Deployment(7, SHA, "prevs/shop"))
    deployments.set(deployment, status(Light.SUCCESS))
    reader = pygithub.connect(github, TOKEN)
    repository = reader.get_repo("group/shop")
    (comment,) = repository.get_pull(7).get_issue_comments()
    assert (comment.body, str(comment.id)) == (TEXT + "more", made)
    (found,) = repository.get_deployments(environment="prevs/shop")
    assert (str(found.id), found.sha, found.transient_environment) == (deployment, SHA, True)
    assert [one.state for one in found.get_statuses()] == ["success"]
    # And the other way round: what PyGithub writes is what we would.
    second = repository.get_pull(7).create_issue_comment(f"{MARKER} another one")
    assert client.find_comment(7, MARKER) == made
    second.edit("no marker")
    assert github.comments[-1].text == "no marker"
    reader.close()


def test_python_gitlab_writes_and_reads_as_we_do() -> None:
    server = GitLabServer()
    try:
        server.pulls = [PullFacts(7, SHA)]
        client = client_of(server)
        made = client.add_comment(7, TEXT)
        reader = gitlab.Gitlab(server.origin, private_token=TOKEN)
        project = reader.projects.get("group/shop")
        notes = project.mergerequests.get(7).notes
        (note,) = notes.list(get_all=True)
        assert (str(note.id), note.body) == (made, TEXT)
        note.body = "theirs"
        note.save()
        assert server.comments[0].text == "theirs"
        notes.create({"body": TEXT})
        assert client.find_comment(7, MARKER) == str(server.comments[1].id)
    finally:
        server.close()
