"""Deployments at GitHub, of the commits of pull requests. All are of one transient environment.

An environment for each pull request would stay for ever: only administrators can remove one.
"""

from pydantic import TypeAdapter

from framework.forges import answers
from framework.forges.answers import Numbered
from framework.forges.requester import Query, Requester
from framework.ports.telling import Deployment, Light, Status

_MADE = TypeAdapter(Numbered)
_DEPLOYMENTS = TypeAdapter(list[Numbered])
_STATES = {
    Light.SUCCESS: "success",
    Light.PENDING: "in_progress",
    Light.FAILURE: "failure",
    Light.INACTIVE: "inactive",
}


class GitHubDeployments:
    """The deployments of a repository, as framework.ports.telling.Deployments describes them."""

    def __init__(self, requester: Requester, repository: str) -> None:
        """`repository` is its path in the API."""
        self._requester = requester
        self._repository = repository
        self._path = f"{repository}/deployments"

    def find(self, deployment: Deployment) -> str:
        """Return the id of the newest one that was made of this, "" for none."""
        query: Query = {
            "sha": deployment.sha,
            "environment": deployment.environment,
            "task": _task(deployment),
            "per_page": 100,
        }
        found = answers.read_all(self._requester, self._path, query, _DEPLOYMENTS).entries
        return str(max(one.id for one in found)) if found else ""

    def add(self, deployment: Deployment) -> str:
        """Make one; return its id. It waits for no checks, merges nothing and is no production."""
        order = {
            "ref": deployment.sha,
            "task": _task(deployment),
            "environment": deployment.environment,
            "auto_merge": False,
            "required_contexts": [],
            "transient_environment": True,
            "production_environment": False,
        }
        made = self._requester.write("POST", self._path, order)
        return str(answers.read(self._requester, _MADE, made.data).id)

    def set(self, deployment: str, status: Status) -> None:
        """Say how a deployment is. The others of its environment stay as they are."""
        shown: dict[str, object] = {
            "state": _STATES[status.light],
            "description": status.text,
            "auto_inactive": False,
        }
        if status.url:
            shown["environment_url"] = status.url
        path = f"{self._path}/{deployment}/statuses"
        answers.write_to(self._requester, "POST", path, shown, parent=self._repository)


def _task(deployment: Deployment) -> str:
    """Return what tells the deployments of several pull requests with one commit apart."""
    return f"preview:pr-{deployment.number}"
