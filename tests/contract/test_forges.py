"""The same cases at every kind of forge: a client of ours, and a double of the forge."""

import gitlab
import pytest

from framework.ports.forge_errors import ForgeBusy, ForgeRefused, ForgeUnreachable
from framework.ports.forges import Comment, Pull
from program.http.outgoing import Limits
from tests.contract import pygithub
from tests.fakes.forges.clients import client_of
from tests.fakes.forges.github import GitHubServer
from tests.fakes.forges.gitlab import GitLabServer
from tests.fakes.forges.server import (
    DAY,
    FORK,
    REPOSITORY,
    TOKEN,
    CommentFacts,
    ForgeServer,
    PullFacts,
    Reply,
    Request,
    sha_of,
)

pytestmark = pytest.mark.contract

STRANGERS = 99
"""The id of a repository that has taken the name."""
MANY = 230
"""Three pages, or more."""


def fill(forge: ForgeServer, number: int) -> None:
    forge.pulls = [PullFacts(one, sha_of(one)) for one in range(1, number + 1)]


def is_second_page(request: Request) -> bool:
    return request.query.get("page") == "2"


def test_the_list_is_whole_over_several_pages(forge: ForgeServer) -> None:
    fill(forge, MANY)
    forge.pulls.append(PullFacts(999, sha_of(999), is_open=False))
    listed = client_of(forge).open_pulls()
    assert {pull.number: pull.sha for pull in listed.pulls} == {
        one.number: one.sha for one in forge.pulls if one.is_open
    }
    assert listed.mark == ""
    assert len(forge.requests) > 2


@pytest.mark.parametrize(
    "broken",
    [Reply(502), Reply(body=b'[{"number": '), Reply(body=b"[{}]"), Reply(body=b"[]")],
    ids=["502", "truncated", "of another form", "empty"],
)
def test_a_page_that_fails_leaves_no_list(forge: ForgeServer, broken: Reply) -> None:
    fill(forge, MANY)
    forge.mishap = lambda request: broken if is_second_page(request) else None
    with pytest.raises(ForgeUnreachable):
        client_of(forge).open_pulls()


def test_a_pull_is_read_with_its_facts(forge: ForgeServer) -> None:
    forge.pulls = [
        PullFacts(
            3,
            sha_of(3),
            base="v2",
            author="eve",
            title="Ä cart",
            updated=DAY + 7,
            branch="feature/cart",
        ),
        PullFacts(4, sha_of(4), is_open=False),
    ]
    client = client_of(forge)
    found = client.pull(3)
    prefix = "merge-requests" if forge.kind == "gitlab" else "pull"
    assert found == Pull(
        number=3,
        sha=sha_of(3),
        ref=f"{prefix}/3/head",
        base="v2",
        is_fork=False,
        author="eve",
        title="Ä cart",
        updated=DAY + 7,
        url=found.url if found else "",
        repository=str(REPOSITORY),
        branch="feature/cart",
    )
    assert found.url.startswith(forge.origin)
    assert client.open_pulls().pulls == (found,)
    closed = client.pull(4)
    assert closed is not None
    assert not closed.is_open
    assert client.pull(5) is None


def test_the_ids_of_the_repositories_decide_what_a_fork_is(forge: ForgeServer) -> None:
    forge.pulls = [
        PullFacts(1, sha_of(1)),
        PullFacts(2, sha_of(2), head=FORK),
        PullFacts(3, sha_of(3), head=None),
    ]
    pulls = client_of(forge).open_pulls().pulls
    assert {pull.number: pull.is_fork for pull in pulls} == {1: False, 2: True, 3: True}


def test_a_fork_has_an_owner_unless_it_is_gone_or_of_a_group(forge: ForgeServer) -> None:
    forge.pulls = [PullFacts(1, sha_of(1), head=FORK), PullFacts(2, sha_of(2), head=None)]
    client = client_of(forge)
    assert [client.head_owner(number) for number in (1, 2, 3)] == ["mallory", "", ""]
    # A group or an organization is nobody of whom a forge says that they may write.
    forge.forker, forge.forker_is_group = "crew", True
    owner = client.head_owner(1)
    assert owner == ("" if forge.kind == "gitlab" else "crew")
    assert not client.may_write(owner)


def test_who_may_write_is_looked_up(forge: ForgeServer) -> None:
    forge.pulls = [PullFacts(1, sha_of(1), author="eve")]  # its association is CONTRIBUTOR
    client = client_of(forge)
    users = ("ada", "bob", "eve", "stranger", "", "..", "a/b", "ada/../bob")
    assert {user: client.may_write(user) for user in users} == {
        user: user == "ada" for user in users
    }


def test_comments_of_people_since_a_moment(forge: ForgeServer) -> None:
    forge.pulls = [PullFacts(1, sha_of(1)), PullFacts(2, sha_of(2))]
    forge.comments = [
        CommentFacts(1, 10, "ada", "old", DAY, DAY),
        CommentFacts(1, 11, "bob", "edited", DAY, DAY + 20),
        CommentFacts(1, 12, "ada", "new", DAY + 30, DAY + 30),
        CommentFacts(2, 13, "ada", "elsewhere", DAY + 30, DAY + 30),
    ]
    if forge.kind in ("gitlab", "pagure"):
        forge.comments.append(CommentFacts(1, 14, "ada", "pushed", DAY + 40, DAY + 40, True))
    assert list(client_of(forge).comments(1, DAY + 10)) == [
        Comment("11", "bob", "edited", DAY),
        Comment("12", "ada", "new", DAY + 30),
    ]


def test_an_unchanged_list_is_not_sent_again(forge: ForgeServer) -> None:
    fill(forge, 2)
    client = client_of(forge)
    first = client.open_pulls()
    if not first.mark:
        assert forge.kind in ("gitea", "pagure")
        return
    again = client.open_pulls(first.mark)
    assert (again.unchanged, again.mark, tuple(again.pulls)) == (True, first.mark, ())
    forge.pulls[0].sha = sha_of(77)
    assert not client.open_pulls(first.mark).unchanged


def test_a_mark_that_no_header_can_carry_is_not_kept(forge: ForgeServer) -> None:
    fill(forge, 2)

    def marked(request: Request) -> Reply:
        reply = forge.answer(request)
        return reply._replace(headers={**reply.headers, "ETag": '"\xe9"'})

    forge.mishap = marked
    assert client_of(forge).open_pulls().mark == ""


def test_a_renamed_repository_is_found_within_the_origin(forge: ForgeServer) -> None:
    fill(forge, 1)

    def moved(request: Request) -> Reply | None:
        path = request.path.replace("group/old", "group/shop").replace(
            "group%2Fold", "group%2Fshop"
        )
        query = "&".join(f"{key}={value}" for key, value in request.query.items())
        return None if path == request.path else Reply(301, {"Location": f"{path}?{query}"})

    forge.mishap = moved
    assert len(client_of(forge, name="group/old").open_pulls().pulls) == 1


def test_the_id_of_the_repository_is_the_forges_own(forge: ForgeServer) -> None:
    client = client_of(forge)
    assert client.find_repository() == str(REPOSITORY)
    fill(forge, 1)
    mark = client.open_pulls().mark
    # The name is free once the repository is renamed. A stranger takes it, and copies all of it.
    forge.repository_id = STRANGERS
    forge.pulls = [PullFacts(1, sha_of(1), head=STRANGERS)]
    assert client.find_repository() == str(STRANGERS)
    listed, one = client.open_pulls(mark), client.pull(1)
    assert not listed.unchanged
    assert one is not None
    assert [pull.repository for pull in (*listed.pulls, one)] == [str(STRANGERS)] * 2
    assert not one.is_fork


def test_a_redirect_to_another_origin_is_not_followed(forge: ForgeServer) -> None:
    other = GitHubServer()
    try:
        forge.mishap = lambda request: Reply(301, {"Location": f"{other.origin}{request.path}"})
        with pytest.raises(ForgeUnreachable, match="the new address of its repository"):
            client_of(forge).open_pulls()
        assert other.requests == []
    finally:
        other.close()


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Reply(403, {"Retry-After": "30"}), 30),
        (Reply(429, {"Retry-After": "31"}), 31),
        (Reply(429), 60),
        (Reply(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{DAY + 90:.0f}"}), 90),
        (Reply(429, {"RateLimit-Remaining": "0", "RateLimit-Reset": f"{DAY + 91:.0f}"}), 91),
        (Reply(403, body=b'{"message": "You have exceeded a secondary rate limit."}'), 60),
    ],
)
def test_a_rate_limit_names_the_seconds_to_wait(
    forge: ForgeServer, reply: Reply, seconds: float
) -> None:
    forge.mishap = lambda _: reply
    client = client_of(forge)
    with pytest.raises(ForgeBusy) as busy:
        client.open_pulls()
    assert busy.value.seconds == seconds
    sent = len(forge.requests)
    with pytest.raises(ForgeBusy):
        client.pull(1)
    assert len(forge.requests) == sent, "it was told to wait"


def test_with_no_calls_left_the_next_one_is_not_made(github: GitHubServer) -> None:
    fill(github, MANY)
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{DAY + 90:.0f}"}

    def count_down(request: Request) -> Reply:
        reply = github.answer(request)
        return reply._replace(headers={**reply.headers, **headers})

    github.mishap = count_down
    with pytest.raises(ForgeBusy) as busy:
        client_of(github).open_pulls()
    assert busy.value.seconds == 90
    assert len(github.requests) == 1


def test_a_token_that_has_ended_is_refused_and_not_shown(forge: ForgeServer) -> None:
    with pytest.raises(ForgeRefused, match="prevs forge set shop") as refused:
        client_of(forge, "wrong-token").find_repository()
    assert refused.value.status == 401
    assert "wrong-token" not in str(refused.value)


def test_a_lack_of_rights_names_the_rights(forge: ForgeServer) -> None:
    forge.mishap = lambda _: Reply(403, {"X-GitHub-Request-Id": "AB12:34"}, b'{"message": "no"}')
    with pytest.raises(ForgeRefused, match="docs/forges/") as refused:
        client_of(forge).open_pulls()
    assert refused.value.status == 403
    assert "AB12" not in str(refused.value)


def test_a_repository_that_is_gone_is_no_closed_pull(forge: ForgeServer) -> None:
    fill(forge, 1)
    client = client_of(forge, name="group/gone")
    for call in (client.open_pulls, lambda: client.pull(1), client.find_repository):
        with pytest.raises(ForgeRefused, match="group/gone") as refused:
            call()
        assert refused.value.status == 404


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(304),
        Reply(302, {"Location": "/again"}),
        Reply(body=b"<html>Sign in</html>"),
        Reply(body=b"[" * 5000),
        Reply(body=b"x" * 2000),
        Reply(body=b"[", promises=100),
        Reply(stalls=True),
    ],
    ids=["500", "304", "loop", "html", "nested", "huge", "cut off", "silent"],
)
def test_an_unusable_answer_is_no_list(forge: ForgeServer, reply: Reply) -> None:
    forge.mishap = lambda _: reply
    limits = Limits(silence=0.3 if reply.stalls else 10.0, size=1000)
    with pytest.raises(ForgeUnreachable):
        client_of(forge, limits=limits).open_pulls()


def test_a_forge_that_is_not_there_is_unreachable(forge: ForgeServer) -> None:
    client = client_of(forge)
    forge.close()
    with pytest.raises(ForgeUnreachable, match="cannot be reached"):
        client.open_pulls()


def test_a_public_repository_is_read_without_a_token(forge: ForgeServer) -> None:
    forge.is_private = False
    fill(forge, 1)
    assert len(client_of(forge, "").open_pulls().pulls) == 1
    names = {"authorization", "private-token", "cookie"}
    assert not any(names & request.headers.keys() for request in forge.requests)


def test_cookies_of_a_forge_are_not_sent_back(forge: ForgeServer) -> None:
    fill(forge, 1)

    def with_cookie(request: Request) -> Reply:
        reply = forge.answer(request)
        return reply._replace(headers={**reply.headers, "Set-Cookie": "session=1; Path=/"})

    forge.mishap = with_cookie
    client = client_of(forge)
    client.open_pulls()
    client.open_pulls()
    assert not any("cookie" in request.headers for request in forge.requests)


def test_pygithub_reads_the_double_as_we_do(github: GitHubServer) -> None:
    fill(github, MANY)
    github.pulls[0].head = FORK
    github.comments = [CommentFacts(1, 11, "bob", "hello", DAY, DAY)]
    reader = pygithub.connect(github, TOKEN)
    repository = reader.get_repo("group/shop")
    pulls = {
        one.number: (one.head.sha, one.head.repo.id != one.base.repo.id, one.base.ref, one.html_url)
        for one in repository.get_pulls(state="open")
    }
    client = client_of(github)
    assert pulls == {
        one.number: (one.sha, one.is_fork, one.base, one.url) for one in client.open_pulls().pulls
    }
    (comment,) = repository.get_pull(1).get_issue_comments()
    (ours,) = client.comments(1, 0.0)
    assert (str(comment.id), comment.user.login, comment.body) == ours[:3]
    assert repository.get_collaborator_permission("ada") == "write"
    reader.close()


def test_python_gitlab_reads_the_double_as_we_do() -> None:
    server = GitLabServer()
    try:
        fill(server, MANY)
        server.pulls[0].head = FORK
        server.comments = [CommentFacts(1, 11, "bob", "hello", DAY, DAY)]
        reader = gitlab.Gitlab(server.origin, private_token=TOKEN)
        project = reader.projects.get("group/shop")
        pulls = {
            one.iid: (one.sha, one.source_project_id != one.target_project_id, one.target_branch)
            for one in project.mergerequests.list(state="opened", get_all=True, per_page=100)
        }
        client = client_of(server)
        assert pulls == {
            one.number: (one.sha, one.is_fork, one.base) for one in client.open_pulls().pulls
        }
        (note,) = project.mergerequests.get(1).notes.list(get_all=True)
        assert (note.id, note.author["username"], note.body) == (11, "bob", "hello")
        (user,) = reader.users.list(username="ada", get_all=True)
        assert project.members_all.get(user.id).access_level == 30
    finally:
        server.close()
