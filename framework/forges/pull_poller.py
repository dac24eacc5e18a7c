"""Looks at the apps' forges for pull requests, for the service."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from framework import events
from framework.errors import FrameworkError, Unavailable
from framework.events import Approval, LookFailed, PullsSeen, RepositorySeen
from framework.polling.kept_answers import KeptAnswers
from framework.polling.schedule import Pace, Periods
from framework.polling.turns import Read, Turns
from framework.ports.forges import Forge, Pull, Pulls
from framework.pulls import gate, looks, repository_ids
from framework.pulls.gate import PullHead, Rules, Verdict
from framework.state.pull_records import NO_PULLS
from framework.state.snapshot import Snapshot
from prevs.pulls import PullRecord
from prevs.records import AppRecord

log = structlog.get_logger(__name__)

LOOK_SECONDS, NUDGED_SECONDS, LONGEST_SECONDS = 60.0, 10.0, 600.0
"""The interval of looks, the shortest one after webhooks, and the longest one after failures."""
KEPT_SECONDS = 600.0
"""How long the answers count whether somebody may write to a repository, whose a fork is, and which
repository it is that has no open pull request: each of them is a call that counts for its limit."""
NO_FORGE = (
    "The app has no forge that prevs knows by its repository's address: `prevs app set --forge`."
)


class _Seen(NamedTuple):
    """The last whole list of a forge's client, which is another one once settings change."""

    forge: Forge
    pulls: Pulls


class PullPoller:
    """Lists the pull requests of each app that follows them, and submits what it has seen.

    `find_forge` returns an app's forge; it may raise FrameworkError. A look that fails submits
    why, and nothing else: nothing is closed by an unfinished list. `fetch` reads an app's
    repository; it is called once the service has taken a look after which other commits may be
    built.
    """

    def __init__(
        self,
        find_forge: Callable[[AppRecord], Forge | None],
        submit: Callable[[events.Event], None],
        snapshot: Callable[[], Snapshot],
        *,
        fetch: Callable[[AppRecord], object] = lambda _: None,
        interval: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find_forge = find_forge
        self._submit = submit
        self._snapshot = snapshot
        self._fetch = fetch
        self._heads: dict[str, Sequence[PullHead]] = {}
        self._seen: dict[str, _Seen] = {}
        self._rights: KeptAnswers[tuple[str, str], bool] = KeptAnswers(KEPT_SECONDS, clock)
        self._owners: KeptAnswers[tuple[str, int], str] = KeptAnswers(KEPT_SECONDS, clock)
        self._ids: KeptAnswers[tuple[str, str], str] = KeptAnswers(KEPT_SECONDS, clock)
        self._read: dict[str, Mapping[int, float]] = {}
        self._turns = Turns(
            "looking",
            lambda: periods(snapshot(), interval),
            self.take_turn,
            pace=Pace(NUDGED_SECONDS, LONGEST_SECONDS),
        )

    def start(self) -> None:
        """Start the threads."""
        self._turns.start()

    def stop(self) -> None:
        """Begin no more looks. Does not wait for a running one."""
        self._turns.stop()

    def nudge(self, app: str) -> None:
        """Look at an app's forge soon: it has announced a change. Does not block."""
        self._turns.nudge(app)

    def look(self, name: str) -> bool:
        """Look at an app's forge now, and submit the outcome; return whether that succeeded.

        Blocks on the forge. One look at an app at a time.
        """
        snapshot = self._snapshot()
        app = snapshot.apps.get(name)
        if app is None or snapshot.rules(name).pulls == "off":
            return True
        try:
            forge = self._find_forge(app)
            if forge is None:
                self._submit(LookFailed(name, NO_FORGE))
                return False
            listed = self._list(forge, name)
            ids = self._find_ids(forge, snapshot, app, listed)
            seen = RepositorySeen(name, app.repository, ids)
            self._submit(seen)
            if repository_ids.find_problem(
                app, repository_ids.follow(snapshot.repositories.get(name), seen)
            ):
                return True  # the service says why nothing else of it is read
            self._submit(self._look(forge, snapshot, seen, listed))
        except FrameworkError as error:
            if str(error) != snapshot.find_look(name).problem:
                log.warning("pull requests cannot be followed now", app=name, why=str(error))
            self._submit(LookFailed(name, str(error)))
            return False
        self._fetch_changed(app)
        return True

    def take_turn(self, name: str) -> Read:
        """Look as `look` does; return what became of it, for the schedule."""
        before = self._seen.get(name)
        if not self.look(name):
            return Read.FAILED
        after = self._seen.get(name)
        if before is None or after is None:
            return Read.SAME
        is_same = _leave_out_comments(before.pulls) == _leave_out_comments(after.pulls)
        return Read.SAME if is_same else Read.CHANGED

    def _fetch_changed(self, app: AppRecord) -> None:
        """Fetch an app's repository if other commits may be built than after the last look.

        Its branches may be read seldom, while webhooks come. Waits for the service.
        """
        with contextlib.suppress(Unavailable):  # the next look does it
            events.call(self._submit, lambda: None)
            heads = self._snapshot().list_pull_heads(app.name)
            if heads != self._heads.get(app.name, ()):
                self._heads[app.name] = heads
                self._fetch(app)

    def _look(
        self, forge: Forge, snapshot: Snapshot, seen: RepositorySeen, listed: Sequence[Pull]
    ) -> PullsSeen:
        app = seen.app
        rules, known = snapshot.rules(app), snapshot.pulls.get(app, NO_PULLS)
        followed = sorted(listed, key=lambda one: -one.number)[: looks.MOST]
        if len(followed) < len(listed):
            log.warning("only the newest pull requests are followed", app=app, most=looks.MOST)
        numbers, everything = {one.number for one in followed}, {one.number for one in listed}
        left = [n for n, one in known.items() if one.closed is None and n not in numbers]
        missing = {n: forge.pull(n) for n in left if n not in everything}
        # Another repository may have taken the address since the list was read.
        ours = (pull for pull in missing.values() if pull and pull.repository in seen.ids)
        found = (*followed, *ours)
        return PullsSeen(
            app,
            found,
            gone=[n for n in left if missing.get(n) is None],
            members=self._find_members(forge, app, rules, found),
            approvals=self._find_approvals(forge, app, _list_waiting(rules, found, known)),
        )

    def _list(self, forge: Forge, app: str) -> Sequence[Pull]:
        """Return all open pull requests, those of the last list if nothing has changed since."""
        before = self._seen.get(app)
        if before is not None and before.forge is not forge:
            before = None
        listed = forge.open_pulls(before.pulls.mark if before else "")
        if listed.unchanged and before is not None:
            return before.pulls.pulls
        self._seen[app] = _Seen(forge, listed)
        return listed.pulls

    def _find_members(
        self, forge: Forge, app: str, rules: Rules, pulls: Sequence[Pull]
    ) -> frozenset[int]:
        """Return the pull requests whose author and whose fork's owner may write, if that matters.

        The owner pushes to it, too: anybody may open a pull request from somebody else's fork.
        """
        if rules != Rules("all", "members"):
            return frozenset()
        return frozenset(
            one.number
            for one in pulls
            if one.is_fork
            and one.is_open
            and self._may_write(forge, app, one.author)
            and self._may_write(forge, app, self._find_owner(forge, app, one.number))
        )

    def _find_owner(self, forge: Forge, app: str, number: int) -> str:
        return self._owners.get((app, number), lambda: forge.head_owner(number))

    def _may_write(self, forge: Forge, app: str, user: str) -> bool:
        return self._rights.get((app, user), lambda: forge.may_write(user))

    def _find_ids(
        self, forge: Forge, snapshot: Snapshot, app: AppRecord, listed: Sequence[Pull]
    ) -> frozenset[str]:
        """Return the ids of the repositories that a list is of; an empty list names none."""
        if listed:
            return frozenset(pull.repository for pull in listed)
        known = snapshot.pulls.get(app.name, NO_PULLS).values()
        is_other = repository_ids.is_other(app, snapshot.repositories.get(app.name))
        if is_other or any(one.closed is None for one in known):
            # An empty list of ours closes pull requests, and lets the app go on.
            ask = self._ids.renew
        else:
            ask = self._ids.get
        return frozenset({ask((app.name, app.repository), forge.find_repository)})

    def _find_approvals(
        self, forge: Forge, app: str, waiting: Sequence[Pull]
    ) -> Sequence[Approval]:
        """Return the approvals in comments of pull requests that wait, by whom may give them."""
        found: list[Approval] = []
        before = self._read.get(app, {})
        for pull in waiting:
            read = before.get(pull.number, 0.0)
            if read == pull.updated:  # a comment changes that
                continue
            for comment in forge.comments(pull.number, read):
                commit = looks.find_approved(comment.text)
                if commit == pull.sha and self._may_write(forge, app, comment.author):
                    found.append(Approval(pull.number, commit, comment.author))
        self._read[app] = {pull.number: pull.updated for pull in waiting}
        return found


def periods(snapshot: Snapshot, interval: float) -> Periods:
    """Return the apps whose pull requests are followed, with the interval of looks."""
    return {name: interval for name in snapshot.apps if snapshot.rules(name).pulls != "off"}


def _leave_out_comments(listed: Pulls) -> Sequence[Pull]:
    """Return pull requests as they are without comments, except where one may approve something.

    What prevs says changes the forge's time of a pull request, and no webhook announces that.
    """
    return [one if one.is_fork else one._replace(updated=0.0) for one in listed.pulls]


def _list_waiting(
    rules: Rules, pulls: Sequence[Pull], known: Mapping[int, PullRecord]
) -> Sequence[Pull]:
    """Return the pull requests that wait for an approval, and that a look has seen before."""
    return [
        one
        for one in pulls
        if (record := known.get(one.number))
        and gate.judge(rules, record, one.sha) is Verdict.WAITING
    ]
