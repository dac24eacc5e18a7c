"""Why a visitor's request fails, as problem+json (RFC 9457). Pure.

Problems of the framework are passed on unchanged; the proxy's own have the same form.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from proxy.model.preview import Preview

MEDIA_TYPE = "application/problem+json"
_SPACE = "urn:prevs:problem:"
_ERROR = re.compile(r"[a-z_]{1,64}", re.ASCII)
_RETRY_SECONDS = 5
AGAIN_SECONDS = 10
SILENT_SECONDS = 15
"""After so many seconds, people are told that a git server does not answer."""
_LOOK_AGAIN_SECONDS = 3
OPEN = {
    "held": "as many requests that wait for a preview as it may have",
    "pages": "as many unfinished pages of this kind as it may have",
    "connections": "as many open connections or requests as it may have",
}
_STARTED = {
    "address": " from your address",
    "network": " from your network",
    "app": " of this app",
}


@dataclasses.dataclass(frozen=True)
class Problem:
    """A problem. `retry_after` is in seconds, None if a retry does not help."""

    slug: str
    title: str
    status: int
    detail: str
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    retry_after: int | None = None

    def body(self) -> bytes:
        """Return the bytes of the JSON object."""
        members = {
            **self.fields,
            "type": f"{_SPACE}{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return json.dumps(members, ensure_ascii=False).encode("utf-8", "replace")

    def headers(self) -> dict[str, str]:
        """Return the headers of a response with it."""
        headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return headers


def read_problem(value: Any, status: int) -> Problem:
    """Return the problem in a JSON object of the API, or a general one if it has another form."""
    fields = dict(value) if isinstance(value, Mapping) else {}
    kind = fields.pop("type", None)
    title, detail = fields.pop("title", None), fields.pop("detail", None)
    fields.pop("status", None)
    slug = kind.removeprefix(_SPACE) if isinstance(kind, str) else "unavailable"
    return Problem(
        slug=slug,
        title=title if isinstance(title, str) else "The framework refused",
        status=status,
        detail=detail if isinstance(detail, str) else f"The framework answered {status}.",
        fields={key: item for key, item in fields.items() if isinstance(key, str)},
        retry_after=_RETRY_SECONDS if status in {429, 503} else None,
    )


def unavailable(detail: str, *, retry_after: int = _RETRY_SECONDS, **fields: object) -> Problem:
    """Return a problem that may be over when the client comes again."""
    return Problem("unavailable", "Not available now", 503, detail, fields, retry_after)


def reading_repository(app: str, label: str, began: str, seconds: int) -> Problem:
    """Return why a page waits while the framework reads an app's repository.

    It does so for some `seconds`, since the time of day `began`.
    """
    since = f"since {began} ({seconds} s)"
    if seconds < SILENT_SECONDS:
        title = "Reading the repository"
        detail = f"prevs reads the repository of {app!r} {since}, to find what {label!r} leads to."
    else:
        title = "The repository does not answer"
        detail = (
            f"The git server of {app!r} does not answer, or only slowly: prevs reads the "
            f"repository {since}, to find what {label!r} leads to. `prevs doctor` looks at the "
            "repositories, too."
        )
    return Problem("reading-repository", title, 503, detail, {"app": app}, _LOOK_AGAIN_SECONDS)


def no_address(host: str, domain: str) -> Problem:
    """Return the problem of a host name that is not a preview's address."""
    return Problem(
        "not-found",
        "Not a preview's address",
        404,
        f"{host!r} is not the address of a preview. Such an address looks like "
        f"http://<label>.<app>.{domain}, where the label is a branch, a tag, or 7 to 40 digits of "
        "a commit.",
    )


def nothing_below(host: str, domain: str) -> Problem:
    """Return the problem of a host right below the domain that has neither an app nor a gate."""
    return Problem(
        "not-found",
        "Nothing at this address",
        404,
        f"{host!r} is neither a gate nor the page of an app. A preview's address looks like "
        f"http://<label>.<app>.{domain}, where the label is a branch, a tag, or 7 to 40 digits of "
        "a commit. `prevs app ls` lists the apps, `prevs gate ls` the gates.",
    )


def landing_away(app: str) -> Problem:
    """Return the problem of a landing page for which no framework answers."""
    return unavailable(
        f"The framework of prevs, which lists the previews of {app}, does not answer now. Running "
        f"previews go on at their addresses. This page asks again every {_RETRY_SECONDS} s while "
        "it is open."
    )


def only_landing(host: str, path: str) -> Problem:
    """Return the problem of another path than that of the landing page."""
    return Problem(
        "not-found",
        "Nothing here",
        404,
        f"There is nothing at {path}: {host} has one page, at /, which lists what the app has.",
    )


def landing_takes_nothing() -> Problem:
    """Return the problem of a request to a landing page that is to change something."""
    return Problem(
        "method-not-allowed",
        "The path does not allow this method",
        405,
        "This page only lists what the app has. Send the request to one of its previews.",
    )


def nothing_at(path: str) -> Problem:
    """Return the problem of a path below /_prevs/ that does not exist."""
    return Problem("not-found", "Nothing here", 404, f"There is nothing at {path}.")


def failed(preview: Preview) -> Problem:
    """Return the problem of a preview that failed, and stays so until a retry."""
    failure = preview.failure
    message = failure.message if failure else "The preview failed."
    return Problem(
        "preview-failed",
        "The preview failed",
        502,
        f"{message} It stays failed until someone retries it, for example on its page.",
        {
            "app": preview.app,
            "sha": preview.sha,
            "cause": failure.cause if failure else None,
            "message": message,
            "exit_code": failure.exit_code if failure else None,
            "mistakes": [one._asdict() for one in failure.mistakes] if failure else [],
            "log_tail": preview.log_tail,
        },
    )


def not_started_by_looking() -> Problem:
    """Return the problem of a preview that does not run, for a request that starts nothing."""
    return unavailable(
        "The preview is not running, and this request does not start it. To start it, open it in "
        "a browser (reload with Shift if a service worker sent this request), or send a GET from "
        "a program."
    )


def stopped(preview: Preview) -> Problem:
    """Return the problem of a preview that was stopped while a request waited for it."""
    return unavailable(
        "The preview was stopped while this request waited for it. The next request starts it.",
        app=preview.app,
        sha=preview.sha,
        state=preview.state,
    )


def not_yet(preview: Preview | None, held: int) -> Problem:
    """Return the problem of a preview that has not answered within `held` seconds."""
    within = f"within {held} s" if held else "yet"
    if preview is None:
        return unavailable(f"The preview has not answered {within}.")
    known = ", ".join(part for part in (preview.place, preview.reason) if part)
    reason = f" ({known})" if known else ""
    return unavailable(
        f"The preview has not answered {within}; it is {preview.state}{reason}.",
        app=preview.app,
        sha=preview.sha,
        state=preview.state,
        reason=preview.reason,
    )


def not_its_turn(others: int, held: int) -> Problem:
    """Return the problem of a request that was not let in to its preview within `held` seconds."""
    return unavailable(
        f"The preview runs, but has not answered all who came before within {held} s; "
        f"{others} more wait to be let in."
    )


def not_known_any_more() -> Problem:
    """Return the problem of a page whose preview the framework has forgotten."""
    return unavailable("This version is no longer known. Load the page again to start it.")


def closed() -> Problem:
    """Return the problem of an app whose settings of who may look cannot be read."""
    return unavailable(
        "The proxy cannot read who may look at the previews of this app, so nobody may. Its log "
        "shows why.",
        retry_after=AGAIN_SECONDS,
    )


def link_ended() -> Problem:
    """Return the problem of a link to share that opens nothing, or nothing any more."""
    return Problem(
        "link-ended",
        "This link does not open the preview",
        403,
        "It has ended, was revoked, or is for another address. Whoever gave it to you can make a "
        "new one.",
    )


def entry_ended() -> Problem:
    """Return the problem of a visitor whose way from the sign-in host to the preview broke."""
    return Problem(
        "entry-ended",
        "Please enter again",
        403,
        "Entering took too long or was done already, or this browser did not keep the cookie that "
        "it got at the beginning. Open the address of the preview again, and allow its cookies.",
    )


def sign_in_refused(error: str) -> Problem:
    """Return the problem of somebody whom the provider sends back without a code.

    `error` is the provider's word for the reason (RFC 6749, 4.1.2.1).
    """
    why = f" ({error})" if _ERROR.fullmatch(error) else ""
    return Problem(
        "sign-in-refused",
        "You are not signed in",
        403,
        f"The sign-in ended without an account{why}: it was cancelled there, or your account may "
        "not use it. Try again, or ask whoever gives out these accounts.",
    )


def not_sent_by_page() -> Problem:
    """Return the problem of a form that another site sent."""
    detail = "Only the page itself may do this, and it is too old now. Load it again."
    return Problem("forbidden", "Not sent by the page", 403, detail)


def leads_elsewhere() -> Problem:
    """Return the problem of a page whose host leads to another commit now."""
    return Problem(
        "moved",
        "The address leads elsewhere",
        409,
        "This address now leads to another commit. Load the page again.",
    )


def not_shown(app: str, label: str) -> Problem:
    """Return the problem of a request for a log without the token of one of its pages."""
    return Problem(
        "forbidden",
        "Not sent by the page",
        403,
        "Only the preview's page may read its log, for some minutes after the page was loaded. "
        f"Load the page again, or use a token of the API: `prevs logs {app} {label}`.",
    )


def too_many_starts(seconds: int, budget: str) -> Problem:
    """Return the problem of a visitor who must wait some seconds before anything starts.

    `budget` is a key of start_limits.MOST.
    """
    whose = _STARTED.get(budget, "")
    return Problem(
        "too-many-starts",
        "Too many previews at once",
        429,
        f"Visitors have started many previews{whose} within a minute. Try again in {seconds} s.",
        {"budget": budget},
        retry_after=seconds,
    )


def too_many_open(what: str) -> Problem:
    """Return the problem of a client that has too many of `what` open, a key of OPEN."""
    detail = f"Your address already has {OPEN[what]}. Try again in {AGAIN_SECONDS} s."
    return Problem(
        "too-many-open",
        "Too many at once from your address",
        429,
        detail,
        {"budget": what},
        retry_after=AGAIN_SECONDS,
    )


def takes_only_hooks() -> Problem:
    """Return the problem of a request at the path of webhooks that is none."""
    detail = "Only a forge's webhook comes here, by POST. `prevs forge hook APP` sets it up."
    return Problem("method-not-allowed", "The path does not allow this method", 405, detail)


def hook_too_large(longest: int) -> Problem:
    """Return the problem of a webhook whose body is larger than `longest` bytes."""
    detail = f"A webhook may have at most {longest} bytes. Let the forge send fewer events."
    return Problem("body-too-large", "The request's body is too large", 413, detail)


def hook_incomplete(seconds: float) -> Problem:
    """Return the problem of a webhook whose body takes longer than some seconds."""
    detail = f"The body of this webhook did not come within {seconds:g} s. Send it again."
    return Problem("invalid-request", "The request cannot be read", 408, detail)


def too_many_hooks() -> Problem:
    """Return the problem of a client that sends too many webhooks, or too many forged ones."""
    detail = (
        "Too many webhooks that are not authentic came from your address, or too many at a time. "
        f"Try again in {AGAIN_SECONDS} s. prevs reads the repository from time to time in any case."
    )
    slug, title = "too-many-requests", "There are too many requests"
    return Problem(slug, title, 429, detail, retry_after=AGAIN_SECONDS)


def closed_connection(host: str) -> Problem:
    """Return the problem of a task that accepts connections, but closed this one early."""
    return Problem(
        "no-answer",
        "No answer",
        502,
        f"The application behind {host} closed the connection without an answer.",
    )


def refuses_connections(host: str) -> Problem:
    """Return the problem of a task that accepts no connection now."""
    return unavailable(
        f"The application behind {host} is running, but accepts no connections right now.",
        retry_after=2,
    )
