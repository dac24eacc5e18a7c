"""What a look at the forge changes in the records of an app's pull requests. Pure.

A look lists all open pull requests. One that is missing is closed only if the forge says so of it
by itself. So looks that are lost, doubled or late end in what the last one saw.
"""

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence

from framework.events import PullsSeen
from framework.ports.forges import Pull
from framework.pulls.gate import LONGEST_NAME
from prevs import names
from prevs.pulls import PullRecord
from program.text.foreign_text import drop_unseen

MOST = 1000
"""How many open pull requests of an app are followed: the newest ones."""
KEPT_SECONDS = 7 * 86_400.0
"""How long the record of a closed one is kept."""
LONGEST_TITLE, LONGEST_ADDRESS, LONGEST_BRANCH = 200, 500, 200

_REF = re.compile(r"(?:pull|merge-requests)/([1-9][0-9]{0,17})/head", re.ASCII)
_COMMENT = re.compile(r"^/prevs approve ([0-9a-f]{40})[ \t]*$", re.ASCII | re.MULTILINE)
_ADDRESS = re.compile(r"https?://[!-~]+", re.ASCII)


def follow(known: Mapping[int, PullRecord], event: PullsSeen, now: float) -> Sequence[PullRecord]:
    """Return the records that a look at `now` (epoch seconds) changes or makes.

    A pull request that the forge does not describe as git needs it is left out.
    """
    found = [
        _record(known.get(pull.number) or _make(event.app, pull), pull, event.members, now)
        for pull in event.pulls
        if _is_usable(pull) and (pull.is_open or pull.number in known)
    ]
    return [*found, *(close(known[number], now) for number in event.gone if number in known)]


def close(pull: PullRecord, now: float) -> PullRecord:
    """Return the record of a pull request that is closed or gone."""
    return pull if pull.closed is not None else dataclasses.replace(pull, closed=now)


def list_expired(known: Mapping[int, PullRecord], now: float) -> Sequence[PullRecord]:
    """Return the closed pull requests whose records are no longer kept."""
    return [
        one for one in known.values() if one.closed is not None and now - one.closed >= KEPT_SECONDS
    ]


def find_approved(text: str) -> str | None:
    """Return the commit that a comment approves with the line `/prevs approve <id>`, or None."""
    found = _COMMENT.search(text.replace("\r", ""))
    return found[1] if found else None


def _is_usable(pull: Pull) -> bool:
    ref = _REF.fullmatch(pull.ref)
    return ref is not None and int(ref[1]) == pull.number and names.is_sha(pull.sha)


def _make(app: str, pull: Pull) -> PullRecord:
    return PullRecord(app, pull.number, pull.sha, pull.ref)


def _record(before: PullRecord, pull: Pull, members: Collection[int], now: float) -> PullRecord:
    found = dataclasses.replace(
        before,
        sha=pull.sha,
        ref=pull.ref,
        base=_cut(pull.base, LONGEST_NAME),
        is_fork=pull.is_fork,
        may_write=pull.is_fork and pull.number in members,
        author=_cut(pull.author, LONGEST_NAME),
        title=_cut(pull.title, LONGEST_TITLE),
        url=pull.url if _is_address(pull.url) else "",
        draft=pull.is_draft,
        updated=pull.updated,
        branch=pull.branch if not pull.is_fork and _is_branch(pull.branch) else "",
    )
    return dataclasses.replace(found, closed=None) if pull.is_open else close(found, now)


def _is_branch(name: str) -> bool:
    return len(name) <= LONGEST_BRANCH and name.isprintable()


def _is_address(url: str) -> bool:
    return len(url) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(url) is not None


def _cut(text: str, most: int) -> str:
    """Return foreign text on one line, without harmful characters, of at most `most` characters."""
    line = " ".join(drop_unseen(text[: most * 4]).split())
    line = line.encode("utf-8", "replace").decode()
    return line if len(line) <= most else f"{line[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
