"""The webhooks of the doubles, as the APIs of GitHub, Gitea and GitLab take and show them."""

import json
import re
from collections.abc import Callable

from tests.fakes.forges.server import (
    DAY,
    ForgeServer,
    HookFacts,
    Json,
    Reply,
    Request,
    in_json,
    moment,
    paged,
)

Show = Callable[[HookFacts], Json]
_HIDDEN = "********"


def answer(forge: ForgeServer, request: Request, path: str, show: Show, size: str) -> Reply:
    """Return the answer to a call about webhooks; `path` is what follows /hooks."""
    if not forge.may_hook:
        return in_json({"message": "Resource not accessible by personal access token"}, 403)
    if not path and request.method == "GET":
        return paged(forge, request, [show(one) for one in forge.hooks], size=size)
    if not path:
        made = HookFacts(len(forge.hooks) + 1, json.loads(request.sent))
        if forge.kind == "github" and find_url(made) in map(find_url, forge.hooks):
            return in_json({"message": "Hook already exists on this repository"}, 422)
        forge.hooks.append(made)
        return in_json(show(made), 201)
    number, _, rest = path.removeprefix("/").partition("/")
    hook = next((one for one in forge.hooks if str(one.id) == number), None)
    if hook is None:
        return in_json({"message": "Not Found"}, 404)
    if rest == "events":
        return in_json([] if hook.answer is None else [show_event(hook)])
    if rest in ("pings", "tests", "test/push_events"):
        hook.answer, hook.is_off = forge.delivers, hook.is_off and forge.delivers != 202
        return Reply(201 if forge.kind == "gitlab" else 204, body=b"")
    hook.fields |= json.loads(request.sent)
    # GitLab switches one on again only after a delivery.
    hook.is_off = hook.is_off and forge.kind == "gitlab"
    return in_json(show(hook))


def find_url(hook: HookFacts) -> str:
    """Return the address to which a webhook is sent."""
    url: str = hook.fields.get("config", hook.fields)["url"]
    return url


def find_path(pattern: str, path: str) -> str | None:
    """Return what follows a pattern in a path; None if it does not match."""
    found = re.fullmatch(f"(?:{pattern})(/.*)?", path)
    return (found[1] or "") if found else None


def show_github(forge: ForgeServer, hook: HookFacts) -> Json:
    """Return a webhook as GitHub shows it: without its secret."""
    url = f"{forge.origin}/api/v3/repos/group/shop/hooks/{hook.id}"
    config = {**hook.fields["config"]}
    if "secret" in config:
        config["secret"] = _HIDDEN
    told = {None: (None, "unused", None), 0: (502, "connection_error", "failed to connect to host")}
    code, status, message = told.get(hook.answer, (hook.answer, "active", "OK"))
    return {
        "type": "Repository",
        "id": hook.id,
        "name": hook.fields.get("name", "web"),
        "active": hook.fields.get("active", True) and not hook.is_off,
        "events": hook.fields.get("events", ["push"]),
        "config": config,
        "updated_at": moment(DAY),
        "created_at": moment(DAY),
        "url": url,
        "test_url": f"{url}/test",
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
        "last_response": {"code": code, "status": status, "message": message},
    }


def show_gitea(hook: HookFacts) -> Json:
    """Return a webhook as Gitea shows it: without its secret and its deliveries."""
    config = {name: hook.fields["config"][name] for name in ("url", "content_type")}
    return {
        "id": hook.id,
        "type": hook.fields["type"],
        "branch_filter": "",
        "config": config,
        "events": hook.fields.get("events", ["push"]),
        "authorization_header": "",
        "active": hook.fields.get("active", False) and not hook.is_off,
        "updated_at": moment(DAY),
        "created_at": moment(DAY),
    }


def show_gitlab(hook: HookFacts) -> Json:
    """Return a webhook as GitLab shows it: without its token."""
    shown = {name: value for name, value in hook.fields.items() if name != "token"}
    flags = {"push_events": True, "tag_push_events": False, "note_events": False}
    flags |= {"merge_requests_events": False, "issues_events": False}
    status = "disabled" if hook.is_off else "executable"
    return {"id": hook.id, "project_id": 7, **flags, **shown, "alert_status": status}


def show_event(hook: HookFacts) -> Json:
    """Return a delivery as GitLab shows it."""
    status = str(hook.answer) if hook.answer else "internal error"
    return {"id": 1, "url": hook.fields["url"], "trigger": "push_hooks", "response_status": status}
