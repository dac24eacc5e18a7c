"""The code packages of an app: the [jobs.NAME] of the commit to which its main branch leads."""

from collections.abc import Mapping
from typing import NamedTuple

from framework.errors import UnknownLabel
from framework.git.resolution import find_main
from framework.http_api.jobs.job_resolver import JobResolver
from framework.http_api.streams.label_resolver import LabelResolver
from framework.ports import Ref
from framework.service.service_client import ServiceClient
from prevs.job_settings import JobSettings


class Release(NamedTuple):
    """The main branch, and the jobs that its commit names."""

    branch: Ref
    jobs: Mapping[str, JobSettings]


class CodePackages:
    """Finds the code packages of apps. Belongs to the event loop's thread."""

    def __init__(self, previews: ServiceClient, labels: LabelResolver, jobs: JobResolver) -> None:
        self._previews = previews
        self._labels = labels
        self._jobs = jobs

    async def find_label(self, app: str) -> str:
        """Return the label of an app's main branch, or its commit if the label is ambiguous.

        Raises UnknownApp, UnknownLabel if it has no branch, RepositoryUnreachable, BeingFetched.
        """
        return _label(await self._find_branch(app))

    async def find(self, app: str) -> Release:
        """Return the main branch's commit with its jobs.

        Raises as find_label, and CommitSettingsInvalid.
        """
        record = self._previews.snapshot.app(app)
        branch = await self._find_branch(app)
        lead = await self._jobs.find_lead(record, _label(branch))
        return Release(branch._replace(sha=lead.sha), lead.manifest.jobs)

    async def _find_branch(self, app: str) -> Ref:
        found = find_main((await self._labels.listing(app)).refs)
        if found is None:
            raise UnknownLabel(app, "main", "the repository has no branches yet. Push one.")
        return found


def _label(branch: Ref) -> str:
    return branch.sha if branch.ambiguous else branch.label
