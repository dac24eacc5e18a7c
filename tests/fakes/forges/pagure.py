"""A double of Pagure 5.14: tests/e2e/test_pulls.py compares it with a real one."""

import re
from urllib.parse import urlsplit

from tests.fakes.forges.server import (
    FORK,
    TOKEN,
    CommentFacts,
    ForgeServer,
    Json,
    PullFacts,
    Reply,
    Request,
    StatusFacts,
    in_json,
)

_NOT_FOUND = in_json({"error": "Project not found", "error_code": "ENOPROJECT"}, 404)
_NO_TOKEN = in_json({"error": "Invalid or expired token.", "error_code": "EINVALIDTOK"}, 401)


class PagureServer(ForgeServer):
    """Pagure."""

    kind = "pagure"
    is_private = False

    def __init__(self) -> None:
        super().__init__()
        self.flags: dict[tuple[str, str], StatusFacts] = {}

    def refuse(self, request: Request) -> Reply | None:
        """Return a refusal. Pagure checks the token of few calls that read."""
        is_checked = request.path.endswith("/git/urls") or "/group/crew" in request.path
        if request.method != "GET":
            part = "status" if request.path.endswith("/flag") else "comment"
            return None if self.read_token(request) == TOKEN and part in self.rights else _NO_TOKEN
        return super().refuse(request) if is_checked else None

    def answer(self, request: Request) -> Reply:
        """Return the answer to a request with a token."""
        if request.path == "/api/0/group/crew":
            return in_json({"name": "crew", "members": sorted(self.writers)})
        path = request.path.removeprefix("/api/0/group/shop")
        if path == request.path:
            return _NOT_FOUND
        if found := re.fullmatch(r"/pull-request/(\d+)/(comment|flag)", path):
            pull = self.find_pull(found[1])
            return self._write(pull, found[2], request.read()) if pull else _NOT_FOUND
        if path == "":
            return in_json(self.show_project(self.repository_id))
        if path == "/git/urls":
            return in_json({"total_urls": 1, "urls": {"git": self.repository}})
        if path == "/pull-requests":
            return self._list_pulls(request)
        if found := re.fullmatch(r"/pull-request/(\d+)", path):
            pull = self.find_pull(found[1])
            return in_json(self.show_pull(pull)) if pull else _NOT_FOUND
        return _NOT_FOUND

    def _write(self, pull: PullFacts, what: str, form: Json) -> Reply:
        needs = ("comment",) if what == "comment" else ("username", "comment", "url")
        is_odd = "--" in (urlsplit(form.get("url", "")).hostname or "")  # no host, it finds
        if is_odd or not all(form.get(name) for name in needs):
            return in_json(
                {"error": "Invalid or incomplete input", "error_code": "EINVALIDREQ"}, 400
            )
        if what == "comment":
            self.add_comment(pull.number, form["comment"])
            return in_json({"message": "Comment added"})
        uid, sha = form["uid"], pull.sha or ""
        made = StatusFacts(sha, form["username"], form["status"], form["comment"], form["url"])
        is_new = (uid, sha) not in self.flags
        self.flags[uid, sha] = made
        self.statuses.append(made)
        flag = {"comment": made.text, "status": made.state, "url": made.url, "percent": None}
        return in_json(
            {"message": f"Flag {'added' if is_new else 'updated'}", "uid": uid, "flag": flag}
        )

    def _list_pulls(self, request: Request) -> Reply:
        size, page = int(request.query.get("per_page", "20")), int(request.query.get("page", "1"))
        found = self.open_pulls()
        shown = [self.show_pull(one) for one in found[(page - 1) * size : page * size]]
        return in_json({"total_requests": len(found), "requests": shown})

    def show_project(self, number: int) -> Json:
        """Return a project. Those who may write are in a group."""
        users: Json = {"owner": ["group"], "admin": [], "commit": [], "ticket": ["bob"]}
        groups: Json = {"admin": [], "commit": ["crew"], "ticket": []}
        owner = self.forker if number == FORK else "group"
        names: Json = {"name": "shop", "user": {"name": owner}}
        return {"id": number, **names, "access_users": users, "access_groups": groups}

    def show_pull(self, pull: PullFacts) -> Json:
        """Return a pull request."""
        comments = (one for one in self.comments if one.number == pull.number)
        return {
            "id": pull.number,
            "title": pull.title,
            "branch": pull.base,
            "branch_from": pull.branch,
            "project": self.show_project(self.repository_id),
            "repo_from": None if pull.head is None else self.show_project(pull.head),
            "commit_stop": pull.sha,
            "user": {"name": pull.author},
            "status": "Open" if pull.is_open else "Merged",
            "last_updated": f"{pull.updated:.6f}",
            "full_url": f"{self.origin}/group/shop/pull-request/{pull.number}",
            "comments": [self.show_comment(one) for one in comments],
        }

    def show_comment(self, one: CommentFacts) -> Json:
        """Return a comment."""
        return {
            "id": one.id,
            "user": {"name": one.author},
            "comment": one.text,
            "date_created": f"{one.created:.0f}",
            "edited_on": f"{one.updated:.0f}" if one.updated != one.created else None,
            "notification": one.is_system,
        }
