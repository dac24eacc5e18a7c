"""The lists of an app's landing page: what is there, and what runs of it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from framework.git.resolution import find_main
from framework.http_api.http.paging import PageRequest
from framework.http_api.landing.landing_models import NO_ENTRIES, LandingEntry, LandingList
from framework.http_api.models.presenter import show_services
from framework.http_api.models.preview_models import ServiceAddress
from framework.http_api.models.variant_models import VariantAddress, show_addresses
from framework.http_api.routes.ref_routes import matches
from framework.ports import Ref
from framework.pulls import gate
from framework.pulls.gate import Rules
from framework.stacks import pull_variants
from framework.state.snapshot import Snapshot
from prevs import names
from prevs.names import Addresses
from prevs.pulls import PullRecord
from prevs.records import PreviewRecord
from prevs.states import State


class Known(NamedTuple):
    """What is known of an app: its previews by commit, the running commit of each label, how a
    label's address is made, which variants of stacks have it at some labels, and which services a
    preview has at a label.
    """

    previews: Mapping[str, PreviewRecord]
    running: Mapping[str, str]
    url: Callable[[str], str]
    variants: Callable[[Sequence[str]], list[VariantAddress]]
    services: Callable[[PreviewRecord, str], list[ServiceAddress]]


class Wanted(NamedTuple):
    """Which entries are wanted: of one `kind`, or the first ones of each ("").

    They match `search`, and are those of a page.
    """

    search: str
    kind: str
    page: PageRequest

    @property
    def is_all(self) -> bool:
        """Return whether they are the first ones of all that there is."""
        return not (self.kind or self.search)


class Lists(NamedTuple):
    """The default branch apart from the others, and the lists."""

    default: LandingEntry | None
    pulls: LandingList
    branches: LandingList
    tags: LandingList


def know(app: str, snapshot: Snapshot, addresses: Addresses) -> Known:
    """Return what is known of an app."""
    previews = {one.sha: one for one in snapshot.previews.values() if one.app == app}
    same = {sha: one for one in snapshot.watched.get(app, ()) for sha in one.same}
    running = {
        label: one.sha
        for one in previews.values()
        if one.state is State.RUNNING
        for label in one.labels
    }
    return Known(
        {**same, **previews},
        running,
        lambda label: addresses.url(label, app),
        lambda labels: show_addresses(snapshot.list_variants(app, labels), addresses),
        lambda preview, label: show_services(preview, label, addresses),
    )


def list_all(
    refs: Sequence[Ref], pulls: Sequence[PullRecord], rules: Rules, known: Known, *, wanted: Wanted
) -> Lists:
    """Return what is wanted of an app's branches, tags and open pull requests."""
    main = find_main(refs) if wanted.is_all else None
    branches = [ref for ref in refs if ref.kind == "branch" and ref != main]
    tags = [ref for ref in refs if ref.kind == "tag"]
    followed = () if rules.pulls == "off" else pulls
    return Lists(
        _show_ref(main, known) if main else None,
        _list_pulls(followed, rules, known, wanted),
        _list_refs("branch", branches, known, wanted),
        _list_refs("tag", tags, known, wanted),
    )


def _list_refs(kind: str, refs: Sequence[Ref], known: Known, wanted: Wanted) -> LandingList:
    """Return some branches or tags, the newest commit first."""
    if wanted.kind not in ("", kind):
        return NO_ENTRIES
    found = [ref for ref in refs if matches(ref, wanted.search)]
    page = wanted.page.cut(found, lambda ref: (-ref.committed, ref.name, ref.label))
    entries = [_show_ref(ref, known) for ref in page.entries]
    return LandingList(entries=entries, total=len(found), next=page.next)


def _list_pulls(
    pulls: Sequence[PullRecord], rules: Rules, known: Known, wanted: Wanted
) -> LandingList:
    """Return some open pull requests, the newest first."""
    if wanted.kind not in ("", "pull"):
        return NO_ENTRIES
    found = [pull for pull in pulls if _matches(pull, wanted.search)]
    page = wanted.page.cut(found, lambda pull: (-pull.number,))
    entries = [_show_pull(pull, rules, known) for pull in page.entries]
    return LandingList(entries=entries, total=len(found), next=page.next)


def _show_ref(ref: Ref, known: Known) -> LandingEntry:
    """Return a branch or tag with its preview."""
    label = ref.sha if ref.ambiguous else ref.label
    return LandingEntry(
        kind="branch" if ref.kind == "branch" else "tag",
        name=ref.name,
        author=ref.author,
        title=ref.subject,
        at=ref.committed,
        may_run=True,
        variants=known.variants([label]),
        **_show_preview(label, ref.sha, known),
    )


def _show_pull(pull: PullRecord, rules: Rules, known: Known) -> LandingEntry:
    label = names.pull_label(pull.number)
    return LandingEntry(
        kind="pull",
        name=label,
        author=pull.author,
        title=pull.title,
        at=pull.updated,
        may_run=gate.judge(rules, pull, pull.sha).passes,
        variants=known.variants(pull_variants.list_pull_labels(pull)),
        **_show_preview(label, pull.sha, known),
    )


def _show_preview(label: str, sha: str, known: Known) -> dict[str, Any]:
    """Return the fields of an entry about the preview of a commit, and its label's address."""
    preview, serving = known.previews.get(sha), known.running.get(label, sha)
    same = preview.sha if preview and preview.sha != sha else ""
    return {
        "label": label,
        "url": known.url(label),
        "sha": sha,
        "state": preview.state if preview else None,
        "why": preview.why if preview else "",
        "serving": "" if serving in (sha, same) else serving,
        "same": same,
        "services": known.services(preview, label) if preview else [],
    }


def _matches(pull: PullRecord, search: str) -> bool:
    labels = names.pull_labels(pull.number, pull.ref)
    texts = (pull.title, pull.author, f"#{pull.number}", *labels)
    return pull.sha.startswith(search) or any(search in text.casefold() for text in texts)
