"""What works between an app and its forge, and the next step for what does not."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from framework.apps.forge_settings import find_kind, find_pulls
from framework.forges.forges import Client
from framework.forges.rate_limits import Rate
from framework.ports.forge_errors import ForgeBusy, ForgeError, ForgeRefused
from framework.ports.forges import Finding
from prevs.records import AppRecord

PARTS = ("settings", "address", "token", "repository", "pull requests", "permissions", "rate limit")
_NOBODY = "prevs-nobody"
"""A user to ask about: only whether the forge answers counts."""


def check(app: AppRecord, client: Client | None, *, has_token: bool) -> Sequence[Finding]:
    """Return a finding for each of PARTS, in this order. Blocks on the forge; raises nothing."""
    if client is None:
        found = [_explain_none(app)]
    else:
        found = [_check_settings(app, has_token=has_token), *_check_calls(client, has_token)]
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
            f"Name its kind: `prevs forge set {app.name} --kind gitlab` (github, gitea, pagure).",
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


def _check_calls(client: Client, has_token: bool) -> Iterator[Finding]:
    """Yield what calls find, until one finds that no other can work."""
    api = client.requester.api
    error = _try(client.find_repository)
    if error is not None and not isinstance(error, ForgeRefused):
        yield _refuse("address", error)
        return
    yield Finding("address", True, f"{api} answers.")
    if error is not None and error.status != 404:
        yield _refuse("token", error)
        return
    if has_token:
        yield Finding("token", True, "It is accepted.")
    else:
        yield Finding("token", True, "None is set. Public repositories are read without one.")
    if error is not None:
        yield _refuse("repository", error)
        return
    yield Finding("repository", True, "It is found.")
    yield _check_pulls(client)
    yield _check_permissions(client, has_token)
    yield _describe_rate(client.requester.rate)


def _check_pulls(client: Client) -> Finding:
    try:
        number = len(client.open_pulls().pulls)
    except ForgeError as error:
        return _refuse("pull requests", error)
    return Finding("pull requests", True, f"{number} are open.")


def _check_permissions(client: Client, has_token: bool) -> Finding:
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


def _describe_rate(rate: Rate | None) -> Finding:
    if rate is None:
        return Finding("rate limit", True, "The forge reports none.")
    of = f" of {rate.limit}" if rate.limit is not None else ""
    left = f"{rate.remaining}{of} calls are left"
    if rate.resets:
        left += f" until {datetime.fromtimestamp(rate.resets, UTC):%H:%M} UTC"
    return Finding("rate limit", rate.remaining > 0, f"{left}.")
