"""/v1/apps/{app}/pulls: open pull requests, and the approval of strangers' commits."""

from typing import Annotated

from fastapi import Path

from framework.access import Scope
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import MOST, App, Caller
from framework.http_api.models import pull_models as models
from framework.service.service_client import ServiceClient
from prevs.names import Addresses

Number = Annotated[int, Path(ge=1, le=MOST, description="A pull request's number.", examples=[7])]


class PullRoutes(Routes):
    """The calls about pull requests. Methods that are no coroutines run in a thread."""

    tag = "forges"

    def __init__(self, previews: ServiceClient, addresses: Addresses) -> None:
        self._previews = previews
        self._addresses = addresses

    @operation("GET", "/v1/apps/{app}/pulls", Scope.READ, Reach.ITS_PATH, refuses=(404,))
    async def list_pulls(self, app: App, paged: Paged) -> models.Pulls:
        """List an app's open pull requests, the newest first, as the last look found them."""
        snapshot = self._previews.snapshot
        look = snapshot.find_look(app)
        page = paged.cut(snapshot.list_pulls(app), lambda one: (-one.number,))
        return models.Pulls(
            pulls=[models.show(one, snapshot, self._addresses) for one in page.entries],
            next=page.next,
            as_of=look.at,
            problem=look.problem,
            delivery_problem=" ".join(dict.fromkeys(look.delivery_problems.values())),
        )

    @operation(
        "POST",
        "/v1/apps/{app}/pulls/{number}/approval",
        Scope.ADMIN,
        action="approve commit",
        refuses=(404, 409),
    )
    def approve_pull(
        self, app: App, number: Number, order: models.Approval, caller: Caller
    ) -> models.Pull:
        """Let one commit of a fork be built: the pull request's head. The next push waits again.

        It gets no variables and secrets of the app, and shares nothing with its other previews.
        """
        approved = self._previews.command(
            lambda commands: commands.approve(app, number, order.commit, by=caller.name)
        )
        return models.show(approved, self._previews.snapshot, self._addresses)
