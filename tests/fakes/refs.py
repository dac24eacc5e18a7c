"""framework.ports.Refs out of a table."""

from collections.abc import Mapping

from framework.errors import UnknownLabel
from framework.ports import Resolved
from prevs.records import AppRecord


class FakeRefs:
    """Leads labels to what `leads` says, which may be an error to raise."""

    def __init__(self) -> None:
        self.leads: dict[tuple[str, str], Resolved | Exception] = {}
        self.forgotten: list[str] = []

    def put(self, app: str, label: str, sha: str, kind: str = "branch") -> None:
        """Have a label lead to a commit."""
        ref = None if kind == "commit" else label
        self.leads[app, label] = Resolved(sha, kind, ref, "Ada", "Say hello", 1000.0)

    def resolve(self, app: AppRecord, label: str) -> Resolved:
        lead = self.leads.get((app.name, label))
        if lead is None:
            raise UnknownLabel(app.name, label, "there is no branch or tag of that name.")
        if isinstance(lead, Exception):
            raise lead
        return lead

    def heads(self, app: AppRecord) -> Mapping[str, str | None]:
        return {
            label: lead.sha
            for (name, label), lead in self.leads.items()
            if name == app.name and isinstance(lead, Resolved) and lead.kind != "commit"
        }

    def forget(self, app: str) -> None:
        self.forgotten.append(app)
