"""A double of GitLab."""

import re

from tests.fakes.forges import hooks
from tests.fakes.forges.server import (
    FORK,
    CommentFacts,
    ForgeServer,
    Json,
    PullFacts,
    Reply,
    Request,
    StatusFacts,
    in_json,
    moment,
    paged,
)

_NOT_FOUND = in_json({"message": "404 Not Found"}, 404)
STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
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
        if request.path == f"/api/v4/projects/{FORK}":
            kind = "group" if self.forker_is_group else "user"
            return in_json({"id": FORK, "namespace": {"kind": kind, "path": self.forker}})
        project = _PROJECTS.match(request.path)
        if project is None:
            return _NOT_FOUND
        return self._answer_about_project(request, request.path[project.end() :])

    def _answer_about_project(self, request: Request, path: str) -> Reply:
        if (rest := hooks.find_path("/hooks", path)) is not None:
            return hooks.answer(self, request, rest, hooks.show_gitlab, "per_page")
        return self._read(request, path) if request.method == "GET" else self._write(request, path)

    def _read(self, request: Request, path: str) -> Reply:
        if path == "":
            named = {"path_with_namespace": "group/shop", "name": "shop"}
            level = 30 if "status" in self.rights else 20
            granted = {"project_access": {"access_level": level}, "group_access": None}
            return in_json({"id": self.repository_id, **named, "permissions": granted})
        if path == "/merge_requests":
            return self._page(request, [self.show_pull(one) for one in self.open_pulls()])
        if found := re.fullmatch(r"/merge_requests/(\d+)", path):
            pull = self.find_pull(found[1])
            return in_json(self.show_pull(pull)) if pull else _NOT_FOUND
        if found := re.fullmatch(r"/merge_requests/(\d+)/notes", path):
            return self._page(request, self._notes(request, found[1]))
        if found := re.fullmatch(r"/members/all/(\d+)", path):
            return self._show_member(int(found[1]))
        return _NOT_FOUND

    def _write(self, request: Request, path: str) -> Reply:
        if "comment" not in self.rights:  # the scope read_api
            return in_json({"error": "insufficient_scope", "scope": "api"}, 403)
        body = request.read()
        match request.method, path.strip("/").split("/"):
            case "POST", ["merge_requests", number, "notes"] if self.find_pull(number):
                if not body.get("body"):
                    return in_json({"error": "body is missing"}, 400)
                return in_json(self.show_note(self.add_comment(int(number), body["body"])), 201)
            case "PUT", ["merge_requests", _, "notes", number]:
                edited = self.edit_comment(number, body["body"])
                return _NOT_FOUND if edited is None else in_json(self.show_note(edited))
            case "POST", ["statuses", sha]:
                return self._take_status(sha, body)
        return _NOT_FOUND

    def _take_status(self, sha: str, body: Json) -> Reply:
        if body.get("state") not in STATES:
            return in_json({"error": "state is missing"}, 400)
        if "status" not in self.rights:
            return in_json({"message": "403 Forbidden"}, 403)
        if not self.has_commit(sha):
            return in_json({"message": "404 Commit Not Found"}, 404)
        last, state = self.latest_status(sha), body["state"]
        if last is not None and last.state == state and state in ("pending", "running"):
            why = f"Cannot transition status via :run from :{state} (Reason(s): …)"
            return in_json({"message": why}, 400)
        made = StatusFacts(sha, body["name"], state, body["description"], body["target_url"])
        self.statuses.append(made)
        shown = {
            "id": len(self.statuses),
            "sha": sha,
            "name": made.context,
            "status": state,
            "description": made.text,
            "target_url": made.url,
        }
        return in_json(shown, 201)

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

    def _notes(self, request: Request, number: str) -> list[Json]:
        notes = [one for one in self.comments if str(one.number) == number]
        by = request.query.get("order_by", "created_at").removesuffix("_at")
        is_descending = request.query.get("sort", "desc") == "desc"
        notes.sort(key=lambda one: float(getattr(one, by)), reverse=is_descending)
        return [self.show_note(one) for one in notes]

    def show_note(self, one: CommentFacts) -> Json:
        """Return a note."""
        return {
            "id": one.id,
            "author": self.show_user(one.author),
            "body": one.text,
            "system": one.is_system,
            "created_at": moment(one.created),
            "updated_at": moment(one.updated),
        }

    def show_user(self, name: str) -> Json:
        """Return a user."""
        number = self._users().index(name) + 100 if name in self._users() else 99
        return {"id": number, "username": name, "name": name, "state": "active"}

    def show_pull(self, pull: PullFacts) -> Json:
        """Return a merge request. Its `id` is not its number."""
        return {
            "id": 5000 + pull.number,
            "iid": pull.number,
            "project_id": self.repository_id,
            "title": pull.title,
            "state": "opened" if pull.is_open else "closed",
            "draft": pull.is_draft,
            "author": self.show_user(pull.author),
            "sha": pull.sha,
            "source_branch": pull.branch,
            "target_branch": pull.base,
            "source_project_id": pull.head,
            "target_project_id": self.repository_id,
            "created_at": moment(pull.updated),
            "updated_at": moment(pull.updated),
            "web_url": f"{self.origin}/group/shop/-/merge_requests/{pull.number}",
        }
