"""What a label means among the branches, tags and pull requests of a repository. Pure.

A label is a whole commit id; else a branch's or tag's slug, or pr-7; else the beginning of a commit
id.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from framework import ports
from framework.meanings import Suggestion
from framework.ports import Commit
from prevs import names
from prevs.near_names import find_near

_TOO_SHORT = re.compile(r"[0-9a-f]{3,6}", re.ASCII)

_MAIN = ("main", "master", "trunk")


class Ref(NamedTuple):
    """A branch, tag or pull request and the commit it leads to. `kind` commit is no ref.

    `pull` is the number of the pull request through which alone the commit is reached, 0 if a
    branch or tag reaches it.
    """

    name: str
    kind: str
    sha: str
    pull: int = 0


Labels = Mapping[str, Sequence[Ref]]

MOST_MEANT = 5
_MOST_LOOKED_AT = 1000
MOST_NAMES = 32
"""How many refs of one commit are kept, branches first: a record has room for that many."""
_FOLDERS = {"branch": names.BRANCHES, "tag": names.TAGS}


def read_refs(listing: str) -> tuple[Ref, ...]:
    """Return the branches and tags in a listing of `git for-each-ref --format=REF_FORMAT`.

    Annotated tags count as the commit they lead to; a tag of a tree or blob is left out.
    """
    return tuple(ref for line in listing.split("\n") if (ref := _read_ref(line)))


REF_FORMAT = "%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname)"


def label_refs(refs: Iterable[Ref], pulls: Mapping[str, Ref] = MappingProxyType({})) -> Labels:
    """Return the refs of each label: one for each commit, a branch rather than a tag.

    `pulls` are those of pull requests, by label.
    """
    labels: dict[str, dict[str, Ref]] = {}
    for ref in sorted(refs, key=lambda ref: (ref.kind, ref.name)):
        labels.setdefault(names.slug(ref.name), {}).setdefault(ref.sha, ref)
    for label, ref in pulls.items():
        labels.setdefault(label, {}).setdefault(ref.sha, ref)
    return {label: tuple(by_sha.values()) for label, by_sha in labels.items()}


def name_refs(refs: Iterable[Ref], pulls: Iterable[Ref] = ()) -> dict[str, tuple[str, ...]]:
    """Return the branches and tags that lead to each commit, as heads/main and tags/v1.

    A commit that only `pulls` reach gets one of them (pull/7).
    """
    found: dict[str, list[str]] = {}
    for ref in sorted(refs, key=lambda ref: (ref.kind, ref.name)):
        names_of = found.setdefault(ref.sha, [])
        if len(names_of) < MOST_NAMES:
            names_of.append(_FOLDERS[ref.kind] + _printable(ref.name))
    for ref in pulls:
        if ref.pull:
            found.setdefault(ref.sha, [names.pull_ref(ref.pull)])
    return {sha: tuple(names_of) for sha, names_of in found.items()}


def find_heads(labels: Labels) -> dict[str, str | None]:
    """Return the commit of every label; None if a label leads to several."""
    return {label: refs[0].sha if len(refs) == 1 else None for label, refs in labels.items()}


def find_default(labels: Labels) -> str:
    """Return the label of the default branch: main, master, trunk, or the only one; else "".

    A mirror does not know which one its repository says. The label may lead to other commits too.
    """
    kinds = {label: {ref.kind for ref in refs} for label, refs in labels.items()}
    branches = [label for label, found in kinds.items() if "branch" in found]
    only = branches if len(branches) == 1 else ()
    return next((one for one in (*_MAIN, *only) if one in branches), "")


def list_refs(
    refs: Iterable[Ref], labels: Labels, commits: Mapping[str, Commit]
) -> list[ports.Ref]:
    """Return the refs whose commits are known, as people see them, the newest commit first."""
    found = []
    for ref in refs:
        if commit := commits.get(ref.sha):
            label = names.slug(ref.name)
            # A whole commit id always leads to that commit, even if a branch has that name.
            ambiguous = len(labels[label]) > 1 or (names.is_sha(label) and label != ref.sha)
            found.append(
                ports.Ref(
                    _printable(ref.name),
                    ref.kind,
                    label,
                    ref.sha,
                    commit.author,
                    commit.subject,
                    commit.committed,
                    ambiguous,
                )
            )
    return sorted(found, key=lambda ref: (-ref.committed, ref.kind, ref.name))


def find_named(refs: Iterable[Ref], name: str) -> tuple[Ref, ...]:
    """Return the branches and tags that are shown with a name: one for each commit."""
    found = {ref.sha: ref for ref in refs if _printable(ref.name) == name}
    return tuple(found.values())


def find_main(refs: Sequence[ports.Ref]) -> ports.Ref | None:
    """Return the branch to show by default: main, master, trunk, or that of the newest commit.

    A mirror does not know its repository's default branch.
    """
    branches = [ref for ref in refs if ref.kind == "branch"]
    by_name = {ref.name: ref for ref in branches}
    usual = [by_name[name] for name in _MAIN if name in by_name]
    return next(iter((*usual, *branches)), None)


def show_name(ref: Ref) -> str | None:
    """Return a branch's or tag's name as text that UTF-8 can encode; None for a commit."""
    if ref.kind == "commit":
        return None
    return _printable(ref.name)


def explain_no_label(label: str) -> str:
    """Return why a text that is no DNS label is not resolved."""
    return (
        "it is not a DNS label (1 to 63 of a-z, 0-9 and hyphen, no hyphen first or last). A "
        f"branch or tag of this name has the label {names.slug(label)!r}."
    )


def explain_unknown(label: str, refs: Sequence[Ref], unreached: Sequence[str]) -> str:
    """Return why a label leads nowhere; `unreached` are commits with that id on no branch."""
    if unreached:
        return "that commit exists, but no branch or tag reaches it."
    if not refs:
        return "the repository has no branches and no tags yet."
    if names.is_commit_prefix(label):
        return "there is no branch or tag of that name, and no commit whose id begins with it."
    if _TOO_SHORT.fullmatch(label):
        return "there is no branch or tag of that name; for a commit, give at least 7 digits."
    return "there is no branch or tag of that name."


def find_meant(label: str, refs: Sequence[Ref], labels: Labels) -> tuple[Suggestion, ...]:
    """Return what a label that leads nowhere may mean: similar names, and the main branch.

    Only some of very many refs are compared: any visitor can cause this.
    """
    known: dict[str, Ref] = {}
    for ref in refs[:_MOST_LOOKED_AT]:
        known.setdefault(_printable(ref.name), ref)
    near = find_near(label, known, MOST_MEANT)
    usual = [name for name in _MAIN if name in labels and labels[name][0].kind == "branch"]
    found = [(known[name], True) for name in near]
    found += [(labels[name][0], False) for name in usual[:1] if name not in near]
    return tuple(
        Suggestion(names.slug(ref.name), ref.kind, _printable(ref.name), ref.sha, is_near)
        for ref, is_near in found[:MOST_MEANT]
    )


def _read_ref(line: str) -> Ref | None:
    if not line:
        return None
    own_type, own, peeled_type, peeled, name = line.split(" ", 4)
    sha = own if own_type == "commit" else peeled if peeled_type == "commit" else None
    _, folder, short_name = name.split("/", 2)
    return Ref(short_name, "branch" if folder == "heads" else "tag", sha) if sha else None


def _printable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
