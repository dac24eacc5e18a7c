"""A double of GitHub Enterprise, and of Gitea, whose API is made after it."""

import re

from tests.fakes.forges import hooks
from tests.fakes.forges.server import (
    FORK,
    REPOSITORY,
    CommentFacts,
    ForgeServer,
    HookFacts,
    Json,
    PullFacts,
    Reply,
    Request,
    in_json,
    moment,
    paged,
)

_NOT_FOUND = in_json(
    {"message": "Not Found", "documentation_url": "https://docs", "status": "404"}, 404
)


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
        if path == "":
            return in_json(self.show_repository(REPOSITORY))
        if path == "/pulls":
            shown = [self.show_pull(one) for one in self.open_pulls()]
            return self._page(request, shown)
        if found := re.fullmatch(r"/pulls/(\d+)", path):
            pull = self.find_pull(found[1])
            return in_json(self.show_pull(pull)) if pull else _NOT_FOUND
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

    def _page(self, request: Request, shown: list[Json]) -> Reply:
        return paged(self, request, shown, size=self.size, total=self.total)

    def _show_permission(self, user: str) -> Reply:
        if user not in self.writers | self.readers:
            return _NOT_FOUND
        permission = "write" if user in self.writers else "read"
        shown = {"permission": permission, "role_name": permission, "user": self.show_user(user)}
        return in_json(shown)

    def show_user(self, name: str) -> Json:
        """Return a user."""
        url = f"{self.origin}{self.api}/users/{name}"
        return {"login": name, "id": 100, "type": "User", "url": url, "site_admin": False}

    def show_repository(self, number: int) -> Json:
        """Return a repository. A fork of somebody says `fork`, and so may the repository itself."""
        owner = "group" if number == REPOSITORY else "mallory"
        return {
            "id": number,
            "name": "shop",
            "full_name": f"{owner}/shop",
            "owner": self.show_user(owner),
            "private": True,
            "fork": True,
            "url": f"{self.origin}{self.api}/repos/{owner}/shop",
            "html_url": f"{self.origin}/{owner}/shop",
        }

    def show_pull(self, pull: PullFacts) -> Json:
        """Return a pull request."""
        owner = "mallory" if pull.head == FORK else "group"
        return {
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
            "url": f"{self.origin}{self.api}/repos/group/shop/pulls/{pull.number}",
            "issue_url": f"{self.origin}{self.api}/repos/group/shop/issues/{pull.number}",
            "html_url": f"{self.origin}/group/shop/pull/{pull.number}",
            "head": {
                "label": f"{owner}:cart",
                "ref": "cart",
                "sha": pull.sha,
                "user": self.show_user(owner),
                "repo": None if pull.head is None else self.show_repository(pull.head),
            },
            "base": {
                "label": f"group:{pull.base}",
                "ref": pull.base,
                "sha": "0" * 40,
                "user": self.show_user("group"),
                "repo": self.show_repository(REPOSITORY),
            },
        }

    def show_hook(self, hook: HookFacts) -> Json:
        """Return a webhook."""
        return hooks.show_github(self, hook)

    def show_comment(self, one: CommentFacts) -> Json:
        """Return a comment."""
        return {
            "id": one.id,
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
