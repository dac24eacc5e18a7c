"""Branches, tags and commits with their previews, as rows of a table. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from framework.http_api.models.preview_models import Preview
from framework.ports import Commit, Ref
from prevs import names
from prevs.records import PreviewRecord
from prevs.states import State

PAGE_SIZE = 30
_MOST_LABELS = 200
"""How many labels a form suggests."""
T = TypeVar("T")
_WAITS = frozenset({State.QUEUED, State.PLACED, State.BUILDING, State.STARTING})


class Row(NamedTuple):
    """A row: a branch, tag or commit, the commit it leads to, and that commit's preview.

    `title` is the name of a branch or tag, "" for a commit. `label` is what starts it. `sha` is the
    id of the preview that the commit has, or would have. `serving` is the preview that its address
    shows while the newest one does not run. `served` is the commit, if the preview is of another
    one that is the same.
    """

    title: str
    label: str
    url: str
    sha: str
    author: str
    subject: str
    committed: float
    preview: Preview | None
    serving: PreviewRecord | None = None
    served: str = ""

    @property
    def commit(self) -> str:
        """The commit that it leads to."""
        return self.served or (self.preview.commit if self.preview else self.sha)

    @property
    def name(self) -> str:
        """Its name on buttons."""
        return self.title or names.short(self.commit)


class Counts(NamedTuple):
    """How many previews of an app run, wait and have failed, and when one last changed."""

    running: int
    waiting: int
    failed: int
    changed: float | None


def count(previews: Iterable[PreviewRecord]) -> Counts:
    """Return the counts of some previews."""
    known = list(previews)
    return Counts(
        running=sum(one.state is State.RUNNING for one in known),
        waiting=sum(one.state in _WAITS for one in known),
        failed=sum(one.state is State.FAILED for one in known),
        changed=max((one.changed for one in known), default=None),
    )


class Found(NamedTuple):
    """The preview of a commit, None if there is none; its id, and `served`, as a Row has them."""

    preview: Preview | None
    sha: str
    served: str = ""


class Known(NamedTuple):
    """What is known of an app: its previews by commit, how they are shown, and its addresses.

    `same` has those that serve other commits too, by these.
    """

    previews: Mapping[str, PreviewRecord]
    show: Callable[[PreviewRecord], Preview]
    url: Callable[[str], str]
    same: Mapping[str, PreviewRecord]

    def find(self, sha: str) -> Found:
        """Return the preview of a commit as it is shown."""
        record = self.previews.get(sha) or self.same.get(sha)
        if record is None:
            return Found(None, sha)
        return Found(self.show(record), record.sha, sha if record.commit != sha else "")


def of_refs(refs: Iterable[Ref], known: Known) -> list[Row]:
    """Return a row for each branch or tag."""
    serving = _find_serving(known.previews.values())
    lines = []
    for ref in refs:
        label = ref.sha if ref.ambiguous else ref.label
        preview, sha, served = known.find(ref.sha)
        shown = (label, known.url(label), sha, ref.author, ref.subject, ref.committed)
        before = _find_other(serving, label, sha)
        lines.append(Row(ref.name, *shown, preview, before, served))
    return lines


def of_commits(commits: Iterable[Commit], known: Known) -> list[Row]:
    """Return a row for each commit."""
    lines = []
    for one in commits:
        preview, sha, served = known.find(one.sha)
        shown = (known.url(one.sha), sha, one.author, one.subject, one.committed)
        lines.append(Row("", one.sha, *shown, preview, served=served))
    return lines


def of_previews(previews: Iterable[PreviewRecord], known: Known) -> list[Row]:
    """Return a row for each of an app's previews, without its author, which is not known."""
    serving = _find_serving(known.previews.values())
    found = []
    for one in previews:
        label = one.labels[-1] if one.labels else one.sha
        shown = known.show(one)
        before = _find_other(serving, label, one.sha)
        found.append(Row("", label, shown.url, one.sha, "", "", one.changed, shown, before))
    return found


def search(refs: Iterable[Ref], kind: str, text: str) -> list[Ref]:
    """Return the refs of a kind with a text in their name, their commit's id or its subject."""
    wanted = text.strip().casefold()
    return [
        ref
        for ref in refs
        if ref.kind == kind
        and (
            wanted in ref.name.casefold()
            or wanted in ref.subject.casefold()
            or ref.sha.startswith(wanted)
        )
    ]


def list_labels(previews: Iterable[PreviewRecord], app: str) -> Sequence[str]:
    """Return labels of an app that have a preview for everybody, for forms that suggest some."""
    own = (one for one in previews if one.app == app and not one.instance)
    return sorted({label for one in own for label in one.labels})[:_MOST_LABELS]


def cut(found: Sequence[T], query: Mapping[str, str]) -> tuple[Sequence[T], str]:
    """Return the page that a query requests, and where the next one begins: "" at the end."""
    after = query.get("after", "")
    begin = int(after) if after.isdecimal() and after.isascii() and len(after) < 9 else 0
    end = begin + PAGE_SIZE
    return found[begin:end], str(end) if end < len(found) else ""


def _find_serving(previews: Iterable[PreviewRecord]) -> dict[str, PreviewRecord]:
    """Return the running preview that each label serves now."""
    return {label: one for one in previews if one.state is State.RUNNING for label in one.labels}


def _find_other(serving: Mapping[str, PreviewRecord], label: str, sha: str) -> PreviewRecord | None:
    """Return the preview that a label serves, if that is not the one with this id."""
    found = serving.get(label)
    return found if found and found.sha != sha else None
