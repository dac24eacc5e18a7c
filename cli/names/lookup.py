"""Finds the preview that a person names by a branch, a tag, a commit or a label."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from cli.client.generated.records import Lead, Preview, Previews, Rival
from cli.client.instances import find_commit
from cli.client.paging import Listed
from cli.errors import ApiRefused
from prevs import names
from prevs.states import ACTIVE

_ACTIVE = {state.value for state in ACTIVE}
_NO_LEAD = {"unknown-label", "unknown-preview", "repository-unreachable"}


class Lookups(Protocol):
    """The calls that a lookup needs. `Api` has them."""

    def show_label(self, app: str, label: str) -> Lead:
        """Return what a label leads to."""
        ...

    def show_preview(self, app: str, sha: str) -> Preview:
        """Return a preview."""
        ...

    def list_previews(self, *, app: str | None = None) -> Listed[Preview, Previews]:
        """Return an app's previews."""
        ...


def find(api: Lookups, app: str, name: str) -> Preview:
    """Return the preview that `name` means. Raises ApiRefused.

    If the branch is gone or has moved on, or the repository does not answer, a label means the
    preview that was started under it. People must still be able to stop that preview.
    """
    label = names.slug(name)
    try:
        with naming(name):
            sha = label if names.is_sha(label) else api.show_label(app, label)["sha"]
        return api.show_preview(app, sha)
    except ApiRefused as exc:
        if exc.problem.slug not in _NO_LEAD:
            raise
        chosen = choose(api.list_previews(app=app).found, label)
        if chosen is None:
            if exc.problem.slug == "unknown-preview" and label != exc.problem.fields.get("sha"):
                message = f"No preview of {app} was started at {name} yet."
                step = f"`prevs start {app} {name}` starts one; so does opening its address."
                raise ApiRefused(exc.problem._replace(detail=message), step) from exc
            raise
        return api.show_preview(app, chosen["sha"])


def find_serving(preview: Preview, name: str) -> Rival | None:
    """Return what serves the address `name` while `preview`, the newest, does not run.

    Returns None if there is none, or if `preview` runs.
    """
    label = names.slug(name)
    at = (one for one in preview.get("rivals", []) if one["label"] == label)
    running = [one for one in at if one["state"] == "running"]
    return running[-1] if running and preview["state"] != "running" else None


def is_active(preview: Preview) -> bool:
    """Return whether a preview holds resources or is about to."""
    return preview["state"] in _ACTIVE


def choose(previews: Iterable[Preview], label: str) -> Preview | None:
    """Return the one of an app's previews that was started under `label`, or None.

    An active one comes first, then the newest. Digits of a commit mean its preview; if it has none,
    the one instance of a variant at that commit.
    """
    known = list(previews)
    under = [p for p in known if label in p["labels"]]
    if not under and names.is_commit_prefix(label):
        under = [p for p in known if p["sha"].startswith(label)]
        under = under or [p for p in known if _serves(p, label)]
        under = under or [p for p in known if find_commit(p).startswith(label)]
        if len(under) > 1:
            return None
    return max(under, key=lambda p: (p["state"] in _ACTIVE, p["created"]), default=None)


def _serves(preview: Preview, digits: str) -> bool:
    """Return whether a preview serves another commit with these digits too."""
    return any(sha.startswith(digits) for sha in preview.get("same", []))


@contextlib.contextmanager
def naming(name: str) -> Iterator[None]:
    """Add the name that a person typed to an error about its label."""
    try:
        yield
    except ApiRefused as exc:
        label = names.slug(name)
        if exc.problem.slug == "unknown-label" and label != name:
            refused = ApiRefused(
                exc.problem, f"{label!r} is the label of {name!r}. Is that branch or tag pushed?"
            )
            refused.wanted = name
            raise refused from exc
        raise
