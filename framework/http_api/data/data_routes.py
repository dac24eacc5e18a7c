"""/v1/apps/{app}/data: the data of branches, which one commit after the other has."""

from framework.access import Scope
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.data import data_models as models
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import App
from framework.preview import branch_data
from framework.service.service_client import ServiceClient


class DataRoutes(Routes):
    """The calls about the data of branches. Methods that are no coroutines run in a thread."""

    tag = "data"

    def __init__(self, previews: ServiceClient) -> None:
        self._previews = previews

    @operation("GET", "/v1/apps/{app}/data", Scope.READ, Reach.ITS_PATH, refuses=(404,))
    async def list_data(self, app: App, paged: Paged) -> models.DataOfApp:
        """List the data of an app's branches: where they are, and who had them last."""
        snapshot = self._previews.snapshot
        snapshot.app(app)
        previews = [one for one in snapshot.list_previews() if one.app == app]
        page = paged.cut(branch_data.list_data(previews), lambda one: (one.branch,))
        return models.DataOfApp(data=[models.show(one) for one in page.entries], next=page.next)

    @operation("POST", "/v1/apps/{app}/data/reset", Scope.USE, Reach.ITS_PATH, refuses=(404,))
    def reset_data(self, app: App, order: models.Reset) -> None:
        """Let the data of a branch begin anew. A preview that has them starts again.

        What was there is removed after a month, and comes back to nobody.
        """
        self._previews.change_data(lambda commands: commands.reset(app, order.branch))

    @operation("POST", "/v1/apps/{app}/data/copy", Scope.USE, Reach.ITS_PATH, refuses=(404, 409))
    def copy_data(self, app: App, order: models.Copy) -> None:
        """Let the data of a branch begin anew with a copy of those of another one.

        The copy is made at the next start of the target, which a preview that runs begins at once;
        the source's preview stops for as long as that takes.
        """
        self._previews.change_data(lambda commands: commands.copy(app, order.source, order.target))
