"""A double of GitHub Enterprise, and of Gitea, whose API is made after it."""

import re
from collections.abc import Callable

from tests.fakes.forges import github_deployments, github_shapes, hooks
from tests.fakes.forges.server import (
    DAY,
    FORK,
    CommentFacts,
    ForgeServer,
    HookFacts,
    Json,
    PullFacts,
    Reply,
    Request,
    StatusFacts,
    in_json,
    moment,
    paged,
)

_NOT_FOUND = in_json(
    {"message": "Not Found", "documentation_url": "https://docs", "status": "404"}, 404
)

FORBIDDEN = in_json({"message": "Resource not accessible by personal access token"}, 403)
_DOCUMENTED = {"documentation_url": "https://docs", "status": "422"}
UNPROCESSABLE = in_json({"message": "Invalid request.", **_DOCUMENTED}, 422)
STATES = ("error", "failure", "pending", "success")


class GitHubServer(ForgeServer):
    """GitHub."""

    kind = "github"
    api = "/api/v3"
    size, total = "per_page", ""

    def answer(self, request: Request) -> Reply:
        """Return the answer to a request with a token."""
        path = request.path.removeprefix(f"{self.api}/repos/group/shop")
        if path == request.path:
            return _NOT_FOUND
        if (rest := hooks.find_path("/hooks", path)) is not None:
            return hooks.answer(self, request, rest, self.show_hook, self.size)
        is_change = request.method != "GET" or path.startswith("/deployments")
        return self._write(request, path) if is_change else self._read(request, path)

    def _read(self, request: Request, path: str) -> Reply:
        if path == "":
            whole = github_shapes.whole_repository()
            return in_json({**whole, **self.show_repository(self.repository_id)})
        if path == "/pulls":
            shown = [self.show_pull(one) for one in self.open_pulls()]
            return self._page(request, shown)
        if found := re.fullmatch(r"/pulls/(\d+)", path):
            pull = self.find_pull(found[1])
            whole = github_shapes.whole_pull()
            return in_json({**whole, **self.show_pull(pull)}) if pull else _NOT_FOUND
        if found := re.fullmatch(r"/issues/(\d+)/comments", path):
            since = request.query.get("since", "")
            return self._page(
                request,
                [
                    self.show_comment(one)
                    for one in self.comments
                    if str(one.number) == found[1] and moment(one.updated) >= since
                ],
            )
        if found := re.fullmatch(r"/collaborators/(.+)/permission", path):
            return self._show_permission(found[1])
        return _NOT_FOUND

    def _write(self, request: Request, path: str) -> Reply:
        body = request.read()
        match request.method, path.strip("/").split("/"):
            case "POST", ["issues", number, "comments"] if self.find_pull(number):
                return self._take_comment(body, lambda text: self.add_comment(int(number), text))
            case "PATCH", ["issues", "comments", number]:
                edited = self._take_comment(body, lambda text: self.edit_comment(number, text))
                return edited._replace(status=200) if edited.status == 201 else edited
            case "POST", ["statuses", sha]:
                return self._take_status(sha, body)
            case method, ["deployments", *rest]:
                return github_deployments.answer(self, request, method, rest)
        return _NOT_FOUND

    def _take_comment(self, body: Json, take: Callable[[str], CommentFacts | None]) -> Reply:
        if "comment" not in self.rights:
            return FORBIDDEN
        if not isinstance(body.get("body"), str) or not body["body"]:
            return UNPROCESSABLE
        made = take(body["body"])
        return _NOT_FOUND if made is None else in_json(self.show_comment(made), 201)

    def refuse_commit(self, sha: str) -> Reply:
        """Return the answer to a status of a commit that is not there."""
        return UNPROCESSABLE._replace(
            body=f'{{"message": "No commit found for SHA: {sha}"}}'.encode()
        )

    def _take_status(self, sha: str, body: Json) -> Reply:
        if "status" not in self.rights:
            return FORBIDDEN
        if not self.has_commit(sha):
            return self.refuse_commit(sha)
        text = body.get("description", "")
        if body.get("state") not in STATES or len(text) > 140:
            return UNPROCESSABLE
        made = StatusFacts(sha, body["context"], body["state"], text, body["target_url"])
        self.statuses.append(made)
        return in_json(self.show_status(len(self.statuses)), 201)

    def show_status(self, number: int) -> Json:
        """Return a status by its number."""
        one = self.statuses[number - 1]
        return {
            "id": number,
            "node_id": "x",
            "avatar_url": None,
            "url": f"{self.origin}{self.api}/repos/group/shop/statuses/{one.sha}",
            "state": one.state,
            "description": one.text,
            "target_url": one.url,
            "context": one.context,
            "created_at": moment(DAY),
            "updated_at": moment(DAY),
            "creator": self.show_user(self.bot),
        }

    def _page(self, request: Request, shown: list[Json]) -> Reply:
        return paged(self, request, shown, size=self.size, total=self.total)

    def _show_permission(self, user: str) -> Reply:
        if user not in self.writers | self.readers:
            return _NOT_FOUND
        permission = "write" if user in self.writers else "read"
        user_shown = {**self.show_user(user), "role_name": permission}
        return in_json({"permission": permission, "role_name": permission, "user": user_shown})

    def show_user(self, name: str) -> Json:
        """Return a user."""
        url = f"{self.origin}{self.api}/users/{name}"
        facts = {"login": name, "id": 100, "type": "User", "url": url, "site_admin": False}
        return {**github_shapes.user(url), **facts}

    def show_repository(self, number: int) -> Json:
        """Return a repository. A fork of somebody says `fork`, and so may the repository itself."""
        owner = "group" if number == self.repository_id else self.forker
        url = f"{self.origin}{self.api}/repos/{owner}/shop"
        return {
            **github_shapes.repository(url),
            "id": number,
            "name": "shop",
            "full_name": f"{owner}/shop",
            "owner": self.show_user(owner),
            "private": True,
            "fork": True,
            "url": url,
            "html_url": f"{self.origin}/{owner}/shop",
        }

    def show_pull(self, pull: PullFacts) -> Json:
        """Return a pull request."""
        owner = self.forker if pull.head == FORK else "group"
        url = f"{self.origin}{self.api}/repos/group/shop/pulls/{pull.number}"
        return {
            **github_shapes.pull(url),
            "id": 1000 + pull.number,
            "number": pull.number,
            "state": "open" if pull.is_open else "closed",
            "title": pull.title,
            "body": "",
            "draft": pull.is_draft,
            "user": self.show_user(pull.author),
            "author_association": "CONTRIBUTOR",
            "created_at": moment(pull.updated),
            "updated_at": moment(pull.updated),
            "url": url,
            "issue_url": f"{self.origin}{self.api}/repos/group/shop/issues/{pull.number}",
            "html_url": f"{self.origin}/group/shop/pull/{pull.number}",
            "head": {
                "label": f"{owner}:{pull.branch}",
                "ref": pull.branch,
                "sha": pull.sha,
                "user": self.show_user(owner),
                "repo": None if pull.head is None else self.show_repository(pull.head),
            },
            "base": {
                "label": f"group:{pull.base}",
                "ref": pull.base,
                "sha": "0" * 40,
                "user": self.show_user("group"),
                "repo": self.show_repository(self.repository_id),
            },
        }

    def show_hook(self, hook: HookFacts) -> Json:
        """Return a webhook."""
        return hooks.show_github(self, hook)

    def show_comment(self, one: CommentFacts) -> Json:
        """Return a comment."""
        issue = f"{self.origin}{self.api}/repos/group/shop/issues/{one.number}"
        return {
            "id": one.id,
            "node_id": f"IC_{one.id}",
            "html_url": f"{self.origin}/group/shop/pull/{one.number}#issuecomment-{one.id}",
            "issue_url": issue,
            "user": self.show_user(one.author),
            "body": one.text,
            "author_association": "CONTRIBUTOR",
            "created_at": moment(one.created),
            "updated_at": moment(one.updated),
            "url": f"{self.origin}{self.api}/repos/group/shop/issues/comments/{one.id}",
        }


class GiteaServer(GitHubServer):
    """Gitea: it has no ETags, and tells how long a list is."""

    kind = "gitea"
    api = "/api/v1"
    size, total = "limit", "X-Total-Count"

    def show_hook(self, hook: HookFacts) -> Json:
        """Return a webhook."""
        return hooks.show_gitea(hook)

    def _page(self, request: Request, shown: list[Json]) -> Reply:
        reply = super()._page(request, shown)
        return reply._replace(headers={k: v for k, v in reply.headers.items() if k != "ETag"})

    def refuse_commit(self, sha: str) -> Reply:
        """Return the answer to a status of a commit that is not there: an error of the server."""
        return in_json({"message": f"object does not exist [id: {sha}]"}, 500)
