"""A double of GitLab."""

import re

from tests.fakes.forges import hooks
from tests.fakes.forges.server import (
    REPOSITORY,
    ForgeServer,
    Json,
    PullFacts,
    Reply,
    Request,
    in_json,
    moment,
    paged,
)

_NOT_FOUND = in_json({"message": "404 Not Found"}, 404)
_PROJECTS = re.compile(r"/api/v4/projects/(?:group%2Fshop|7)")


class GitLabServer(ForgeServer):
    """GitLab."""

    kind = "gitlab"

    def read_token(self, request: Request) -> str | None:
        """Return the token of a request, None for none."""
        return request.headers.get("private-token")

    def answer(self, request: Request) -> Reply:
        """Return the answer to a request with a token."""
        if request.path == "/api/v4/users":
            wanted = request.query.get("username", "").lower()
            users = [self.show_user(one) for one in self._users() if one.lower() == wanted]
            return self._page(request, users)
        project = _PROJECTS.match(request.path)
        if project is None:
            return _NOT_FOUND
        return self._answer_about_project(request, request.path[project.end() :])

    def _answer_about_project(self, request: Request, path: str) -> Reply:
        if (rest := hooks.find_path("/hooks", path)) is not None:
            return hooks.answer(self, request, rest, hooks.show_gitlab, "per_page")
        if path == "":
            named = {"path_with_namespace": "group/shop", "name": "shop"}
            return in_json({"id": REPOSITORY, **named})
        if path == "/merge_requests":
            return self._page(request, [self.show_pull(one) for one in self.open_pulls()])
        if found := re.fullmatch(r"/merge_requests/(\d+)", path):
            pull = self.find_pull(found[1])
            return in_json(self.show_pull(pull)) if pull else _NOT_FOUND
        if found := re.fullmatch(r"/merge_requests/(\d+)/notes", path):
            return self._page(request, self._notes(found[1]))
        if found := re.fullmatch(r"/members/all/(\d+)", path):
            return self._show_member(int(found[1]))
        return _NOT_FOUND

    def _page(self, request: Request, shown: list[Json]) -> Reply:
        return paged(self, request, shown, size="per_page", total="X-Total")

    def _users(self) -> list[str]:
        return sorted(self.writers | self.readers | {"stranger"})

    def _show_member(self, number: int) -> Reply:
        name = self._users()[number - 100] if number - 100 < len(self._users()) else ""
        if name not in self.writers | self.readers:
            return _NOT_FOUND
        level = 30 if name in self.writers else 20
        return in_json({**self.show_user(name), "access_level": level})

    def _notes(self, number: str) -> list[Json]:
        notes = (one for one in self.comments if str(one.number) == number)
        return [
            {
                "id": one.id,
                "author": self.show_user(one.author),
                "body": one.text,
                "system": one.is_system,
                "created_at": moment(one.created),
                "updated_at": moment(one.updated),
            }
            for one in sorted(notes, key=lambda one: -one.updated)
        ]

    def show_user(self, name: str) -> Json:
        """Return a user."""
        number = self._users().index(name) + 100 if name in self._users() else 99
        return {"id": number, "username": name, "name": name, "state": "active"}

    def show_pull(self, pull: PullFacts) -> Json:
        """Return a merge request. Its `id` is not its number."""
        return {
            "id": 5000 + pull.number,
            "iid": pull.number,
            "project_id": REPOSITORY,
            "title": pull.title,
            "state": "opened" if pull.is_open else "closed",
            "draft": pull.is_draft,
            "author": self.show_user(pull.author),
            "sha": pull.sha,
            "source_branch": "cart",
            "target_branch": pull.base,
            "source_project_id": pull.head,
            "target_project_id": REPOSITORY,
            "created_at": moment(pull.updated),
            "updated_at": moment(pull.updated),
            "web_url": f"{self.origin}/group/shop/-/merge_requests/{pull.number}",
        }
