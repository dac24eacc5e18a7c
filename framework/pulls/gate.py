"""The gate: which commits of pull requests may be built, and how far they are trusted. Pure.

A commit that a branch or tag reaches is trusted, and needs no gate. Any other commit has to pass
here, through one open pull request:

    the head is in the repository itself    trusted
    of a fork, `forks` is never             refused
    of a fork, `forks` is members           trusted if its author and the fork's owner may write
    else                                    approved, if somebody has approved exactly this commit

Somebody who may only open a pull request must not get anything of the app's. So what is approved
is one commit, never a branch, and it runs as a stranger's. It is named by its whole id: anybody can
make two commits whose ids begin with the same 7 digits.
"""

import dataclasses
import enum
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from framework.apps.forge_settings import find_forks, find_pulls
from framework.pulls.errors import NeedsNoApproval, NotApproved, NotTheHead
from prevs import names
from prevs.apps import Followed, Forks
from prevs.pulls import PullRecord
from prevs.records import AppRecord

LONGEST_NAME = 100


class Verdict(enum.StrEnum):
    """What may be done with a commit. A value of the API: its meaning never changes."""

    TRUSTED = "trusted"  # it is built like the commits of branches
    APPROVED = "approved"  # it is built as a stranger's
    WAITING = "waiting"  # it may be built once somebody has approved it
    REFUSED = "refused"  # it is not built

    @property
    def passes(self) -> bool:
        """Whether the commit may be built."""
        return self in {Verdict.TRUSTED, Verdict.APPROVED}


class Rules(NamedTuple):
    """An app's rules: which pull requests it follows, and whose from forks it builds."""

    pulls: Followed = "off"
    forks: Forks = "never"


class PullHead(NamedTuple):
    """An open pull request for a mirror: `labels` lead to its head `sha`, `ref` reaches that.

    `verdict` is about the head, and `why` is why that may not be built. If it is trusted, all
    commits that `ref` reaches may be built, else only the one that is `approved`, "" for none.
    """

    number: int
    sha: str
    ref: str
    labels: tuple[str, ...]
    verdict: Verdict
    why: str = ""
    approved: str = ""


def read_rules(app: AppRecord, *, has_token: bool) -> Rules:
    """Return the rules of an app; `has_token` is whether it has a token for its forge."""
    return Rules(find_pulls(app, has_token=has_token), find_forks(app))


def judge(rules: Rules, pull: PullRecord, sha: str) -> Verdict:
    """Return what may be done with a commit that is reached by this pull request alone."""
    if pull.closed is not None or rules.pulls == "off":
        return Verdict.REFUSED
    if not pull.is_fork:
        return Verdict.TRUSTED
    if rules.pulls != "all" or rules.forks == "never":
        return Verdict.REFUSED
    if rules.forks == "members" and pull.may_write:
        return Verdict.TRUSTED
    return Verdict.APPROVED if sha == pull.approved_commit else Verdict.WAITING


def check(rules: Rules, pull: PullRecord, sha: str, *, in_variant: bool = False) -> bool:
    """Return whether a commit that may be built is a stranger's; only this pull reaches it.

    A stranger's is never built for a variant of a stack: what is trusted would send it requests,
    with all that these carry. Raises NotApproved.
    """
    verdict = judge(rules, pull, sha)
    if not verdict.passes:
        raise NotApproved(pull.app, pull.number, sha, explain(rules, pull, sha))
    if in_variant and verdict is Verdict.APPROVED:
        label, *_ = names.pull_labels(pull.number, pull.ref)
        why = (
            "This commit comes from a fork, and no variant of a stack runs those: the other "
            "members would send it their requests. It has an address of its own: "
            f"`prevs open {pull.app} {label}`."
        )
        raise NotApproved(pull.app, pull.number, sha, why)
    return verdict is Verdict.APPROVED


def approve(rules: Rules, pull: PullRecord, commit: str, *, by: str, now: float) -> PullRecord:
    """Return the record with an approval of its head: `commit` has to be that head's whole id.

    Raises NotTheHead, NeedsNoApproval.
    """
    if commit != pull.sha:
        raise NotTheHead(pull.app, pull.number, pull.sha)
    match judge(rules, pull, commit):
        case Verdict.REFUSED:
            raise NeedsNoApproval(pull.app, pull.number, explain(rules, pull, commit))
        case Verdict.TRUSTED:
            why = f"Pull request {pull.number} is trusted and needs no approval."
            raise NeedsNoApproval(pull.app, pull.number, why)
        case Verdict.APPROVED:
            return pull
        case Verdict.WAITING:
            return dataclasses.replace(
                pull, approved_commit=commit, approved_by=by[:LONGEST_NAME], approved_at=now
            )


def explain(rules: Rules, pull: PullRecord, sha: str) -> str:
    """Return why a commit may not be built, and the next step, for everybody who opens it."""
    if judge(rules, pull, sha) is Verdict.WAITING:
        return (
            "This commit comes from a fork and has not been approved. Somebody who may write to "
            f"the repository can approve it with a comment on pull request {pull.number}, "
            f"`/prevs approve {sha}`, or an admin with `prevs approve {pull.app} {pull.number} "
            f"--commit {sha}`."
        )
    if rules.pulls == "off":
        return f"{pull.app!r} does not follow pull requests (`prevs app set {pull.app} --pulls`)."
    return (
        f"This commit comes from a fork, and {pull.app!r} does not build commits of forks. An "
        f"admin can change that: `prevs app set {pull.app} --pulls all --forks approve`."
    )


def list_heads(rules: Rules, pulls: Iterable[PullRecord]) -> Sequence[PullHead]:
    """Return the open pull requests, for a mirror."""
    if rules.pulls == "off":
        return ()
    return tuple(
        PullHead(
            pull.number,
            pull.sha,
            pull.ref,
            names.pull_labels(pull.number, pull.ref),
            verdict := judge(rules, pull, pull.sha),
            "" if verdict.passes else explain(rules, pull, pull.sha),
            pull.approved_commit if judge(rules, pull, pull.approved_commit).passes else "",
        )
        for pull in sorted(pulls, key=lambda one: one.number)
        if pull.closed is None
    )
