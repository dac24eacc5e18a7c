"""/v1/checks: what prevs would make of a repository, before it is an app."""

from framework.access import Scope
from framework.apps import description
from framework.apps.commit_files import CommitFiles
from framework.apps.manifest import declared
from framework.apps.recipes import BaseImages
from framework.http_api.admission.operations import Routes, operation
from framework.http_api.checks import check_models as models
from framework.http_api.checks.check_presenter import show_check
from framework.ports import Repositories
from prevs.records import AppRecord


class CheckRoutes(Routes):
    """The call that looks at a repository. It runs in a thread, and blocks on git."""

    tag = "apps"

    def __init__(self, refs: Repositories, images: BaseImages) -> None:
        self._refs = refs
        self._images = images

    @operation("POST", "/v1/checks", Scope.ADMIN, refuses=(404, 502))
    def check_repository(self, order: models.CheckOrder) -> models.Check:
        """Find what would be built and run of a commit of any repository. Registers nothing.

        Only this commit is fetched, for at most a minute, and without a credential.
        """
        settings = declared.read(AppRecord, order.model_dump(exclude={"ref"}))
        return check(self._refs, self._images, AppRecord("", **settings), order.ref)


def check(refs: Repositories, images: BaseImages, app: AppRecord, ref: str) -> models.Check:
    """Return what a check of a commit finds; "" is the default branch. Blocks on git.

    `app` is what the repository would be registered as. Raises UnknownRef, RepositoryUnreachable.
    """

    def look(sha: str, files: CommitFiles) -> models.Check:
        return show_check(app, sha, description.check(files, app, images))

    return refs.inspect(app, ref, look)
