"""Gates whose labels no branch leads to any more: they stay where they were. Pure.

A label that leads to a commit which a gate keeps is found as that commit, so its preview starts
although no branch reaches it, and the mirror of its repository keeps the commit.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from framework.gates import history, switching
from prevs import names
from prevs.gates import GateRecord, Revision, Rule, Target
from prevs.records import PreviewRecord
from prevs.states import State


class Kept(NamedTuple):
    """What the gates of an app keep: all `labels` of their rules, and `commits` of revisions."""

    labels: frozenset[str]
    commits: frozenset[str]

    def has(self, preview: PreviewRecord) -> bool:
        """Return whether a gate leads, or may be rolled back, to a preview."""
        return preview.sha in self.commits or not self.labels.isdisjoint(preview.labels)


def list_kept(gates: Iterable[GateRecord]) -> Kept:
    """Return what some gates keep, also for what waits and for rollbacks."""
    known = [one for gate in gates for one in _list_revisions(gate)]
    labels = {label for one in known for label in history.list_labels(one)}
    ids = {label for label in labels if names.is_sha(label)}
    return Kept(frozenset(labels), frozenset(ids.union(*(one.commits.values() for one in known))))


def find_commits(
    gate: GateRecord, previews: Collection[PreviewRecord], labels: Iterable[str]
) -> Mapping[str, str]:
    """Return the commits that `labels` of a gate lead to, among those that have a preview.

    A running preview comes first, as proxies lead there, then the newest that waits or has stopped,
    then the commit that the gate has noted. `previews` are those of its app.
    """
    own = [one for one in previews if not one.instance]
    own.sort(key=lambda one: (one.state is State.RUNNING, one.changed, one.sha))
    there = {one.sha for one in own}
    noted = {label: sha for label, sha in gate.revision.commits.items() if sha in there}
    leads = {**noted, **{label: one.sha for one in own for label in one.labels}}
    return {label: leads[label] for label in labels if label in leads}


def follow(
    gate: GateRecord, there: Collection[str], leads: Mapping[str, str], now: float
) -> GateRecord:
    """Return a gate that knows which labels of its rules are gone, and at which commits they stay.

    `there` are the labels of all branches, tags and open pull requests, just fetched; `leads` as
    from `find_commits`. A label that is a commit's id never goes.
    """
    gone = {
        label: gate.gone.get(label, now)
        for label in switching.find_leading(gate.revision.rules)
        if label not in there and not _is_own_commit(label, leads)
    }
    left = {label: leads[label] for label in gone if label in leads}
    commits = {**gate.revision.commits, **left}
    if gone == gate.gone and commits == gate.revision.commits:
        return gate
    revision = dataclasses.replace(gate.revision, commits=commits)
    return dataclasses.replace(gate, revision=revision, gone=gone)


def hand_over(rules: Iterable[Rule], gone: Collection[str], default: str) -> tuple[Rule, ...]:
    """Return rules that lead to the `default` branch in place of labels that are `gone`."""
    return tuple(dataclasses.replace(rule, to=_hand_over(rule.to, gone, default)) for rule in rules)


def _hand_over(to: Iterable[Target], gone: Collection[str], default: str) -> tuple[Target, ...]:
    weights: dict[str, int] = {}
    for one in to:
        label = default if one.label in gone else one.label
        weights[label] = weights.get(label, 0) + one.weight
    return tuple(Target(label, weight) for label, weight in weights.items())


def _is_own_commit(label: str, leads: Mapping[str, str]) -> bool:
    return names.is_commit_prefix(label) and leads.get(label, label).startswith(label)


def _list_revisions(gate: GateRecord) -> Iterable[Revision]:
    return [
        gate.revision,
        *([gate.proposal.revision] if gate.proposal else []),
        *gate.earlier,
    ]
