"""What works between an app and its forge, and the next step for what does not."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from framework.apps.forge_settings import find_pulls, find_tell
from framework.events import RepositorySeen
from framework.forges.forge_kind import ForgeKind
from framework.forges.rate_limits import Rate
from framework.forges.registry import FORGES, find_kind
from framework.forges.setup import webhook_check
from framework.forges.setup.webhooks import Hooks
from framework.ports.forge_errors import ForgeBusy, ForgeError, ForgeRefused
from framework.ports.forges import Finding, Pull, Webhook
from framework.pulls import repository_ids
from prevs.pulls import RepositoryRecord
from prevs.records import AppRecord

PARTS = (
    "settings",
    "address",
    "clock",
    "token",
    "repository",
    "pull requests",
    "git",
    "permissions",
    "comments",
    "statuses",
    "webhook",
    "rate limit",
)
CLOCKS_DIFFER = 60.0
"""Seconds. Passes of visitors, and some signatures of webhooks, hold for minutes."""
_LOW = 0.1
"""Part of a rate limit: if no more is left, it is nearly used up."""
_NOBODY = "prevs-nobody"
"""A user to ask about: only whether the forge answers counts."""


class Connection(NamedTuple):
    """The connection of an app with its forge. `hooks` is None if its API has no webhooks.

    `find_ref_problem` returns why git cannot read a ref, "" if it can. `known` is which repository
    the app has had so far.
    """

    app: AppRecord
    has_token: bool
    client: ForgeKind
    hooks: Hooks | None
    webhook: Webhook
    find_ref_problem: Callable[[str], str]
    known: RepositoryRecord | None = None


def explain_none(app: AppRecord) -> Sequence[Finding]:
    """Return the findings for an app that has no client for a forge."""
    return _fill([_explain_none(app)])


def check(connection: Connection) -> Sequence[Finding]:
    """Return a finding for each of PARTS, in this order. Blocks on the forge; raises nothing."""
    settings = _check_settings(connection.app, has_token=connection.has_token)
    return _fill([settings, *_check_calls(connection)])


def _fill(found: Sequence[Finding]) -> Sequence[Finding]:
    """Return the findings, and that nothing after them was tried."""
    untried = (Finding(part, None, "It was not tried.") for part in PARTS[len(found) :])
    return [*found, *untried]


def _explain_none(app: AppRecord) -> Finding:
    """Return why an app has no client."""
    kind = find_kind(app)
    if kind == "none":
        return Finding(
            "settings",
            False,
            "The app has no forge: none is set, and the host of its repository is not known.",
            f"Name its kind: `prevs forge set {app.name} --kind KIND` ({', '.join(FORGES)}).",
        )
    return Finding(
        "settings",
        False,
        f"The address of the app's repository ({app.repository}) names no repository of a forge of "
        f"the kind {kind}, or is on this machine.",
        f"Give it the address that the forge shows for `git clone`: `prevs app set {app.name} "
        "--repository …`.",
    )


def _check_settings(app: AppRecord, *, has_token: bool) -> Finding:
    followed = find_pulls(app, has_token=has_token)
    if followed == "off":
        return Finding(
            "settings",
            True,
            f"The kind is {find_kind(app)}. No pull requests are followed.",
            f"`prevs app set {app.name} --pulls branches` follows those of the repository itself, "
            "`--pulls all` those of forks too.",
        )
    which = "of the repository itself" if followed == "branches" else "also of forks"
    return Finding("settings", True, f"The kind is {find_kind(app)}. Pull requests {which} count.")


def _check_calls(connection: Connection) -> Iterator[Finding]:
    """Yield the findings of calls, until a finding means that no further call can work."""
    client, api = connection.client, connection.client.requester.api
    found = _find_repository(client)
    error = found if isinstance(found, ForgeError) else None
    if error is not None and not isinstance(error, ForgeRefused):
        yield _refuse("address", error)
        return
    yield Finding("address", True, f"{api} answers.")
    yield _compare_clocks(client.requester.clock_ahead)
    if error is not None and error.status != 404:
        yield _refuse("token", error)
        return
    if connection.has_token:
        yield Finding("token", True, "It is accepted.")
    else:
        yield Finding("token", True, "None is set. Public repositories are read without one.")
    if error is not None:
        yield _refuse("repository", error)
        return
    seen = RepositorySeen(connection.app.name, connection.app.repository, [str(found)])
    known = repository_ids.follow(connection.known, seen)
    if known is not None and repository_ids.is_other(connection.app, known):
        explained = repository_ids.explain(known)
        yield Finding("repository", False, explained, repository_ids.advise(connection.app))
        return
    yield Finding("repository", True, "It is found.")
    pulls = _list_pulls(client)
    yield from _check_pulls(connection, pulls)
    yield _check_permissions(client, connection.has_token)
    number = pulls[0].number if pulls and not isinstance(pulls, ForgeError) else 0
    tell = find_tell(connection.app) if connection.has_token else ()
    yield _check_telling("comments", client.try_comment, number, asked="comment" in tell)
    yield _check_telling("statuses", client.try_status, number, asked="status" in tell)
    yield webhook_check.check(
        connection.hooks if connection.has_token else None, connection.webhook, connection.app.name
    )
    yield _describe_rate(client.requester.rate, connection.app.name)


def _compare_clocks(ahead: float | None) -> Finding:
    if ahead is None:
        return Finding("clock", None, "The forge's answers have no date to compare with.")
    if abs(ahead) <= CLOCKS_DIFFER:
        return Finding("clock", True, "It agrees with the forge's.")
    late = "behind" if ahead > 0 else "ahead of"
    return Finding(
        "clock",
        False,
        f"The clock of the framework's machine is {abs(ahead):.0f} s {late} the forge's.",
        "Set it, and keep it by NTP: `timedatectl` shows whether that runs.",
    )


def _find_repository(client: ForgeKind) -> str | ForgeError:
    """Return the id of the repository, or why it cannot be found."""
    try:
        return client.find_repository()
    except ForgeError as error:
        return error


def _list_pulls(client: ForgeKind) -> Sequence[Pull] | ForgeError:
    """Return the open pull requests, the newest first, or why they cannot be listed."""
    try:
        return sorted(client.open_pulls().pulls, key=lambda one: -one.number)
    except ForgeError as error:
        return error


def _check_pulls(connection: Connection, found: Sequence[Pull] | ForgeError) -> Iterator[Finding]:
    """Yield what is found of pull requests: by the API, and by git."""
    ref = "HEAD"
    if isinstance(found, ForgeError):
        yield _refuse("pull requests", found)
    else:
        yield Finding("pull requests", True, f"{len(found)} are open.")
        ref = f"refs/{found[0].ref}" if found else ref
    yield _check_git(connection, ref)


def _check_telling(
    part: str, try_it: Callable[[int], None], number: int, *, asked: bool
) -> Finding:
    """Return whether prevs may say something in the pull request of a number, 0 for none."""
    if not asked:
        why = "prevs says nothing in this way: there is no token, or the app's `tell` has it not."
        return Finding(part, None, why)
    if not number:
        return Finding(part, None, "It can be tried once a pull request is open.")
    if error := _try(lambda: try_it(number)):
        return _refuse(part, error)
    return Finding(part, True, "prevs may make them.")


def _check_git(connection: Connection, ref: str) -> Finding:
    problem = connection.find_ref_problem(ref)
    if not problem:
        return Finding("git", True, f"git reads {ref}.")
    return Finding(
        "git",
        False,
        f"git cannot read {ref} of the repository: {problem}.",
        f"The token here is for the API; git has a credential of its own: `prevs credential set "
        f"{connection.app.name}`. Its user has to see pull requests of forks too.",
    )


def _check_permissions(client: ForgeKind, has_token: bool) -> Finding:
    if not has_token:
        return Finding("permissions", None, "Most forges need a token to say who may write.")
    if error := _try(lambda: client.may_write(_NOBODY)):
        return _refuse("permissions", error)
    return Finding("permissions", True, "prevs can look up who may write.")


def _try(call: Callable[[], object]) -> ForgeError | None:
    try:
        call()
    except ForgeError as error:
        return error
    return None


def _refuse(part: str, error: ForgeError) -> Finding:
    match error:
        case ForgeRefused(why=why, advice=advice):
            return Finding(part, False, why, advice)
        case ForgeBusy():
            return Finding(part, False, str(error), "Wait, or set a token with a limit of its own.")
    return Finding(
        part,
        False,
        str(error),
        "Look whether the framework's machine reaches it (curl), and whether the kind is right.",
    )


def _describe_rate(rate: Rate | None, app: str) -> Finding:
    if rate is None:
        return Finding("rate limit", True, "The forge reports none.")
    of = f" of {rate.limit}" if rate.limit is not None else ""
    left = f"{rate.remaining}{of} calls are left"
    if rate.resets:
        left += f" until {datetime.fromtimestamp(rate.resets, UTC):%H:%M} UTC"
    if rate.remaining > (rate.limit or 0) * _LOW:
        return Finding("rate limit", True, f"{left}.")
    return Finding(
        "rate limit",
        False,
        f"{left}: the limit is nearly used up.",
        f"Others use the same token or address. Give the app a token of its own, `prevs forge set "
        f"{app}`, or wait: prevs goes on then by itself.",
    )
