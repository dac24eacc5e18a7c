"""The next call to the forge that brings its comment, status or deployment up to date. Pure.

Each part (comment, status, deployment) is said by itself. An act that is done twice does no harm:
before a comment or a deployment is made, the forge is asked whether it has one of ours.
"""

import dataclasses
from typing import NamedTuple

from framework.ports.telling import Deployment, Light, Status
from framework.telling.wanted import SUPERSEDED, Wanted, digest
from prevs.apps import Tell
from prevs.pulls import Delivered, PullRecord


class AddComment(NamedTuple):
    """Make the comment."""

    text: str


class EditComment(NamedTuple):
    """Give the comment another text."""

    comment: str
    text: str


class SetStatus(NamedTuple):
    """Set the commit's status."""

    status: Status


class AddDeployment(NamedTuple):
    """Make a deployment of the commit, of which `status` is said then."""

    deployment: Deployment
    status: Status


class SetDeployment(NamedTuple):
    """Say how the deployment is."""

    deployment: str
    status: Status


Act = AddComment | EditComment | SetStatus | AddDeployment | SetDeployment


def choose_act(part: Tell, wanted: Wanted, pull: PullRecord) -> Act | None:
    """Return the next act for a part; None if everything is said."""
    match part:
        case "comment":
            return _choose_comment(wanted, pull.delivered)
        case "status":
            return _choose_status(wanted.status, pull.delivered)
        case "deployment":
            return _choose_deployment(wanted.deployment, pull)


def _choose_comment(wanted: Wanted, delivered: Delivered) -> Act | None:
    text = wanted.comment
    # Who deletes our comment does not want another one.
    if text is None or delivered.is_gone or digest(text) == delivered.comment_digest:
        return None
    if delivered.comment:
        return None if wanted.lasts else EditComment(delivered.comment, text)
    return AddComment(text) if wanted.begins else None


def _choose_status(status: Status | None, delivered: Delivered) -> Act | None:
    if status is None or digest(status) == delivered.status_digest:
        return None
    return SetStatus(status)


def _choose_deployment(status: Status | None, pull: PullRecord) -> Act | None:
    delivered = pull.delivered
    if status is None or digest(status) == delivered.deployment_digest:
        return None
    if delivered.deployment and delivered.deployed != status.sha:
        ended = Status(delivered.deployed, Light.INACTIVE, "", SUPERSEDED, "")
        return SetDeployment(delivered.deployment, ended)
    if delivered.deployment:
        return SetDeployment(delivered.deployment, status)
    return AddDeployment(Deployment(pull.number, pull.sha, f"prevs/{pull.app}"), status)


def find_part(act: Act) -> Tell:
    """Return the part that an act says."""
    match act:
        case AddComment() | EditComment():
            return "comment"
        case SetStatus():
            return "status"
        case AddDeployment() | SetDeployment():
            return "deployment"


def note_begun(act: Act, delivered: Delivered) -> Delivered:
    """Return what is sure to be said while an act changes that: nothing of its part.

    If the leader dies before it has stored the end of the act, the next one does it again, also if
    by then the same is to be said as before the act.
    """
    match find_part(act):
        case "comment":
            return dataclasses.replace(delivered, comment_digest="")
        case "status":
            return dataclasses.replace(delivered, status_digest="")
        case "deployment":
            return dataclasses.replace(delivered, deployment_digest="")


def note_done(act: Act, delivered: Delivered, result: str, said: str) -> Delivered:
    """Return what was said after an act; `result` is the id that it returned.

    After AddDeployment, nothing is said of the deployment yet.
    """
    part = find_part(act)
    problems = {other: why for other, why in delivered.problems.items() if other != part}
    delivered = dataclasses.replace(delivered, said=said, problems=problems)
    match act:
        case AddComment():
            delivered = dataclasses.replace(delivered, comment=result)
        case AddDeployment(deployment):
            return dataclasses.replace(
                delivered, deployment=result, deployed=deployment.sha, deployment_digest=""
            )
        case SetDeployment(_, Status(light=Light.INACTIVE)):
            delivered = dataclasses.replace(delivered, deployment="", deployed="")
        case SetStatus(status):
            delivered = dataclasses.replace(delivered, is_pending=status.light is Light.PENDING)
    return _note_said(act, delivered)


def note_gone(delivered: Delivered) -> Delivered:
    """Return what was said after the comment was found to be deleted."""
    return dataclasses.replace(delivered, is_gone=True, comment="", comment_digest="")


def note_rejected(act: Act, delivered: Delivered, why: str) -> Delivered:
    """Return what was said after the forge has not taken something, and never will.

    It counts as said, so that it is tried again only when something else is to be said.
    """
    delivered = dataclasses.replace(delivered, problems={**delivered.problems, find_part(act): why})
    if isinstance(act, SetStatus):
        delivered = dataclasses.replace(delivered, is_pending=False)
    return _note_said(act, delivered)


def _note_said(act: Act, delivered: Delivered) -> Delivered:
    match act:
        case AddComment(text) | EditComment(_, text):
            return dataclasses.replace(delivered, comment_digest=digest(text))
        case SetStatus(status):
            return dataclasses.replace(
                delivered, status_digest=digest(status), status_sha=status.sha
            )
        case AddDeployment(_, status) | SetDeployment(_, status):
            return dataclasses.replace(delivered, deployment_digest=digest(status))
