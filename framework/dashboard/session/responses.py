"""Makes the dashboard's pages from templates. Everything is escaped, and no cache keeps a page.

A page loads nothing from other hosts. A nonce allows its style and its script.
"""

import functools
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from framework import errors
from framework.dashboard.session import formatting
from framework.dashboard.session.sessions import Viewer
from framework.dashboard.session.static_files import Files
from framework.errors import FrameworkError
from framework.jobs.errors import NeedsAdmin
from prevs import names
from prevs.apps import AppRecord
from prevs.declarations import list_settings
from program.text.foreign_text import name_unseen

if TYPE_CHECKING:
    import jinja2

Sees = Callable[[str], bool]
_FOLDER = Path(__file__).parents[1] / "templates"
_STATUSES: Mapping[type[FrameworkError], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.InvalidSettings: 422,
    errors.RepositoryUnreachable: 502,
    errors.Unavailable: 503,
    errors.NotOfApp: 403,
    NeedsAdmin: 403,
}
_TITLES = {
    403: "This is not allowed",
    404: "This does not exist",
    409: "This cannot be done now",
    422: "These settings are not valid",
    502: "The repository cannot be read",
    503: "One moment",
}


class Pages:
    """Makes pages.

    `now` is in seconds since the epoch. `last` returns a text that is another one once anything has
    happened to the apps that somebody sees.
    """

    def __init__(self, files: Files, now: Callable[[], float], last: Callable[[Sees], str]) -> None:
        self._file = files.path
        self._now = now
        self.last = last

    def show(
        self,
        request: Request,
        viewer: Viewer | None,
        name: str,
        *,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """Return the page that a template makes from `values`."""
        nonce = secrets.token_urlsafe(16)
        template = _templates().get_template(f"{name}.html.j2")
        page = template.render(
            viewer=viewer,
            nonce=nonce,
            file=self._file,
            now=self._now(),
            seen=self.last(viewer.identity.sees) if viewer else "",
            path=request.url.path,
            here=here(request),
            notice=formatting.NOTICES.get(request.query_params.get("did", ""), ""),
            **values,
        )
        return HTMLResponse(page, status, security_headers(nonce))

    def show_error(self, request: Request, viewer: Viewer, error: FrameworkError) -> Response:
        """Return the page for one of our errors. Raises the error if no request causes it."""
        status = next((code for cls, code in _STATUSES.items() if isinstance(error, cls)), None)
        if status is None:
            raise error
        answer = self.refuse(request, viewer, status, str(error))
        if status == 503:
            answer.headers["Retry-After"] = "5"
        return answer

    def refuse(self, request: Request, viewer: Viewer | None, status: int, why: str) -> Response:
        """Return a page with the reason why something was not done."""
        title = _TITLES.get(status, "This cannot be done")
        return self.show(request, viewer, "problem", status=status, title=title, why=why)


def here(request: Request) -> str:
    """Return the path of a page with its query, but without the notice after an action."""
    kept = [(name, value) for name, value in parse_qsl(request.url.query) if name != "did"]
    rest = urlencode(kept, errors="replace")
    return f"{request.url.path}?{rest}" if rest else request.url.path


def query(fields: Mapping[str, str]) -> str:
    """Return the query of an address, without empty fields."""
    return urlencode({name: value for name, value in fields.items() if value}, errors="replace")


def link(url: str) -> str:
    """Return a URL if it may be a link, else one that leads nowhere."""
    return url if url.startswith(("http://", "https://")) else "about:blank"


def security_headers(nonce: str) -> dict[str, str]:
    """Return the headers of every page."""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        # With "no-referrer" browsers would send "Origin: null" with the page's own forms.
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


@functools.cache
def _templates() -> "jinja2.Environment":
    # Here, as it takes 15 ms, and most programs never show a page.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        ago=formatting.ago,
        command=formatting.command,
        duration=formatting.duration,
        few_digits=formatting.few_digits,
        job_state=formatting.job_state,
        job_title=formatting.job_title,
        link=link,
        megabytes=formatting.megabytes,
        moment=formatting.moment,
        number=formatting.number,
        plain=lambda text: name_unseen(str(text)),
        query=query,
        short=names.short,
        spell=formatting.spell,
        stamp=formatting.stamp,
        state=formatting.state,
        until=formatting.until,
    )
    environment.globals["app_settings"] = list_settings(AppRecord)
    return environment
