"""The deployments of the double of GitHub."""

from tests.fakes.forges.server import (
    DAY,
    DeploymentFacts,
    ForgeServer,
    Json,
    Reply,
    Request,
    in_json,
    moment,
    paged,
)

_NOT_FOUND = in_json({"message": "Not Found", "status": "404"}, 404)
_FORBIDDEN = in_json({"message": "Resource not accessible by personal access token"}, 403)
_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
_FILTERS = ("sha", "environment", "task")


def answer(forge: ForgeServer, request: Request, method: str, rest: list[str]) -> Reply:
    """Return the answer to a request below /deployments."""
    if "deployment" not in forge.rights:
        return _FORBIDDEN
    match method, rest:
        case "GET", []:
            found = [one for one in reversed(forge.deployments) if _fits(one, request)]
            return paged(forge, request, [_show(forge, one) for one in found], size="per_page")
        case "POST", []:
            return _make(forge, request.read())
        case (("POST" | "GET"), [number, "statuses"]):
            wanted = (one for one in forge.deployments if str(one.id) == number)
            made = next(wanted, None)
            return _NOT_FOUND if made is None else _take_status(forge, made, request)
    return _NOT_FOUND


def _fits(one: DeploymentFacts, request: Request) -> bool:
    asked = {name: request.query[name] for name in _FILTERS if name in request.query}
    return all(getattr(one, name) == value for name, value in asked.items())


def _make(forge: ForgeServer, body: Json) -> Reply:
    sha = body["ref"]
    if not forge.has_commit(sha):
        return in_json({"message": f"No ref found for: {sha}"}, 422)
    if body.get("auto_merge", True) or body.get("required_contexts") != []:
        return in_json({"message": "Conflict: Commit status checks failed"}, 409)
    made = forge.add_deployment(sha, body["environment"], body["task"])
    return in_json(_show(forge, made), 201)


def _take_status(forge: ForgeServer, made: DeploymentFacts, request: Request) -> Reply:
    if request.method == "GET":
        return paged(forge, request, list(reversed(made.statuses)), size="per_page")
    body = request.read()
    if body.get("state") not in _STATES:
        return in_json({"message": "Validation Failed"}, 422)
    shown = {
        "id": len(made.statuses) + 1,
        "node_id": "x",
        "url": f"{forge.origin}/statuses/{made.id}",
        "state": body["state"],
        "description": body.get("description", ""),
        "environment": made.environment,
        "environment_url": body.get("environment_url", ""),
        "target_url": "",
        "creator": None,
        "created_at": moment(DAY),
        "updated_at": moment(DAY),
        "deployment_url": f"{forge.origin}/deployments/{made.id}",
        "repository_url": f"{forge.origin}/repos/group/shop",
    }
    made.statuses.append(shown)
    return in_json(shown, 201)


def _show(forge: ForgeServer, one: DeploymentFacts) -> Json:
    return {
        "id": one.id,
        "node_id": "x",
        "url": f"{forge.origin}/api/v3/repos/group/shop/deployments/{one.id}",
        "sha": one.sha,
        "ref": one.sha,
        "task": one.task,
        "payload": {},
        "environment": one.environment,
        "original_environment": one.environment,
        "transient_environment": True,
        "production_environment": False,
        "description": None,
        "creator": None,
        "created_at": moment(DAY),
        "updated_at": moment(DAY),
        "statuses_url": f"{forge.origin}/api/v3/repos/group/shop/deployments/{one.id}/statuses",
        "repository_url": f"{forge.origin}/api/v3/repos/group/shop",
    }
