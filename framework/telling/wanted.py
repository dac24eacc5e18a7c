"""What is to be said of a pull request, by what the service's thread has published. Pure."""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from framework.apps.forge_settings import find_tell
from framework.ports.telling import Abilities, Light, Status
from framework.pulls import gate
from framework.pulls.gate import Rules, Verdict
from framework.pulls.skip import is_skipped
from framework.stacks import pull_variants
from framework.stacks.pull_variants import EnteredVariant
from framework.state.snapshot import Snapshot
from framework.telling import standing, wording
from framework.telling.wording import Head, Standing, Wording
from prevs import names
from prevs.access import Access, AccessRecord
from prevs.pulls import PullRecord
from prevs.records import AppRecord, PreviewRecord
from prevs.units import preview_unit

CLOSED = "closed"
SUPERSEDED = "superseded"
_DIGEST_DIGITS = 16


class Facts(NamedTuple):
    """All that the texts of one pull request depend on. Equal facts have equal texts.

    `abilities` are those of the app's forge. `is_guarded` is whether not everybody may look.
    `place` is the place of its head's preview in the queue. `subject` is that of its head's
    commit, "" if not known. `leaves_pending` if the last status is of a commit that it has left
    while that was being built, and that no other open pull request has as its head. `variants`
    are those of stacks that have the app at its head; where no comment can be edited, those
    that follow its branch once they are open.
    """

    app: AppRecord
    pull: PullRecord
    rules: Rules
    abilities: Abilities
    is_guarded: bool = False
    preview: PreviewRecord | None = None
    place: int | None = None
    subject: str = ""
    leaves_pending: bool = False
    variants: Sequence[EnteredVariant] = ()

    @property
    def passes(self) -> bool:
        """Whether its head may be built."""
        return gate.judge(self.rules, self.pull, self.pull.sha).passes


class Wanted(NamedTuple):
    """What is to be said: None for a part that stays as it is.

    `begins` is whether there is to be a comment if there is none yet; `lasts` whether one is never
    changed. `said` is it all in words.
    """

    comment: str | None = None
    status: Status | None = None
    deployment: Status | None = None
    begins: bool = False
    lasts: bool = False
    said: str = ""


def find_facts(
    snapshot: Snapshot,
    pull: PullRecord,
    find_abilities: Callable[[AppRecord], Abilities],
    subject: str = "",
) -> Facts | None:
    """Return the facts about a pull request; None if its app's forge is told nothing now."""
    app = snapshot.apps.get(pull.app)
    if app is None or not find_tell(app) or not snapshot.has_forge_token(pull.app):
        return None
    if snapshot.find_other_repository(pull.app):
        return None
    rules = snapshot.rules(pull.app)
    if rules.pulls == "off":
        return None
    preview = snapshot.find_serving(pull.app, pull.sha)
    place = snapshot.queue_places.get(preview_unit(pull.app, preview.sha)) if preview else None
    access = snapshot.access.get(pull.app, AccessRecord(pull.app)).access
    abilities = find_abilities(app)
    return Facts(
        app,
        pull,
        rules,
        abilities,
        access is not Access.PUBLIC,
        preview,
        place,
        subject,
        _leaves_pending(snapshot, pull),
        _find_variants(snapshot, pull, abilities),
    )


def find_wanted(facts: Facts, wording_: Wording) -> Wanted:
    """Return what is to be said of a pull request."""
    pull, tell = facts.pull, find_tell(facts.app)
    find = _find_open if pull.closed is None else _find_last
    wanted = find(facts, wording_)
    deploys = "deployment" in tell and facts.abilities.has_deployments
    return wanted._replace(
        comment=wanted.comment if "comment" in tell else None,
        status=wanted.status if "status" in tell else None,
        # One that was made is ended, also if no other is to be made.
        deployment=wanted.deployment if deploys else _end(pull),
        lasts=not facts.abilities.edits_comments,
    )


def _leaves_pending(snapshot: Snapshot, pull: PullRecord) -> bool:
    left = pull.delivered.status_sha
    if not pull.delivered.is_pending or left in ("", pull.sha):
        return False
    return all(other.sha != left for other in snapshot.list_pulls(pull.app))


def _find_variants(
    snapshot: Snapshot, pull: PullRecord, abilities: Abilities
) -> Sequence[EnteredVariant]:
    if abilities.edits_comments:
        return snapshot.list_pull_variants(pull)
    return pull_variants.list_following(snapshot.stacks.values(), pull)


def digest(said: str | Status) -> str:
    """Return the digest of something that was said."""
    if isinstance(said, Status):
        said = "\0".join((said.sha, said.light.value, said.context, said.text, said.url))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_DIGITS]


def _find_last(facts: Facts, wording_: Wording) -> Wanted:
    pull = facts.pull
    status = _status(facts, wording_, Light.SUCCESS, CLOSED) if pull.delivered.is_pending else None
    text = wording.write_last_comment(wording_, _head(facts))
    return Wanted(text, status, _end(pull), said=CLOSED)


def _end(pull: PullRecord) -> Status | None:
    """Return the end of the deployment of a pull request that has one."""
    if not pull.delivered.deployment:
        return None
    return Status(pull.delivered.deployed, Light.INACTIVE, "", CLOSED, "")


def _find_open(facts: Facts, wording_: Wording) -> Wanted:
    pull, head = facts.pull, _head(facts)
    now = _find_standing(facts, wording_, head)
    if facts.abilities.edits_comments:
        text = wording.write_comment(wording_, head, now, is_guarded=facts.is_guarded)
    else:
        waits = pull.is_fork and not facts.passes
        text = wording.write_lasting_comment(
            wording_, head, is_guarded=facts.is_guarded, waits=waits
        )
    status = _status(facts, wording_, now.light, now.status)
    is_refused = gate.judge(facts.rules, pull, pull.sha) is Verdict.REFUSED
    has_status = pull.delivered.status_digest or pull.delivered.status_sha
    to_set = None if is_refused and not has_status else status
    if facts.leaves_pending:
        # First, as nothing else is said of it: it would be pending for ever.
        to_set = status._replace(
            sha=pull.delivered.status_sha, light=Light.SUCCESS, text=SUPERSEDED
        )
    return Wanted(
        comment=text,
        status=to_set,
        deployment=status if facts.passes and not now.is_quiet else _end(pull),
        begins=not now.is_quiet,
        said=now.text,
    )


def _status(facts: Facts, wording_: Wording, light: Light, text: str) -> Status:
    app, sha = facts.app.name, facts.pull.sha
    return Status(sha, light, f"prevs/{app}", text, wording_.addresses.url(_head(facts).label, app))


def _find_standing(facts: Facts, wording_: Wording, head: Head) -> Standing:
    pull = facts.pull
    if gated := standing.describe_gated(facts.rules, pull):
        return gated
    if is_skipped(pull.title, facts.subject):
        return standing.describe_skipped(head.label)
    url = wording_.addresses.url(names.short(pull.sha), pull.app)
    found = standing.describe_preview(facts.preview, facts.place, label=head.label, url=url)
    return standing.tell_same(found, facts.preview, pull.sha)


def _head(facts: Facts) -> Head:
    pull = facts.pull
    label = names.pull_labels(pull.number, pull.ref)[-1]
    return Head(pull.app, pull.number, label, pull.sha, facts.subject, facts.variants)
