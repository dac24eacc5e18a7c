"""Sign-in with an identity provider: to it, and back with a code.

The browser keeps each try in a cookie of its own, so several tabs may sign in at once, and nobody
is signed in as somebody else by a link.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.dashboard.session import cookies
from framework.dashboard.session.page_access import is_own, read_form
from framework.dashboard.session.responses import Pages
from framework.dashboard.session.sessions import PERSON_SECONDS, Sessions
from framework.dashboard.session.sign_in import PLAIN, SignIn
from framework.errors import FrameworkError
from framework.http_api.admission.audit import Audit
from framework.people import attempts
from framework.people.attempts import LIFE_S, Pending
from framework.ports.identity import IdentityProvider, Person
from framework.ports.identity_errors import ProviderUnreachable, SignInRefused
from program.http import same_origin

T = TypeVar("T")

CALLBACK = "/sign-in/callback"
_AT_ONCE = 4
"""Calls of the provider at a time. All of the API shares the threads, and a provider may hang."""
_MOST_ATTEMPTS = 4
"""Tries that one browser keeps."""
_RETRY_S = 30


class ProviderSignIn:
    """The paths of sign-in with a provider. Belongs to the event loop's thread.

    `now` is in seconds since the epoch.
    """

    def __init__(
        self,
        provider: IdentityProvider,
        sessions: Sessions,
        pages: Pages,
        form: SignIn,
        *,
        audit: Audit,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._sessions = sessions
        self._pages = pages
        self._form = form
        self._audit = audit
        self._now = now
        self._calls = anyio.CapacityLimiter(_AT_ONCE)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/sign-in/provider", self._begin, methods=["POST"]),
            Route(CALLBACK, self._finish, methods=["GET"]),
        ]

    async def _begin(self, request: Request) -> Response:
        """Send a browser to the provider.

        By a page of ours: browsers let no form lead to another site that the page has not named,
        and a provider may send them on to further ones.
        """
        form = await read_form(request)
        back = same_origin.own_path(form.get("next", "/"))
        if not is_own(request):
            return self._form.show_form(request, back, "Only this page itself may do that.", 403)
        if not cookies.may_be_set(request):
            return self._form.show_form(request, back, PLAIN, 403)
        secure, host = cookies.is_secure(request), request.headers.get("host", "")
        redirect = f"{'https' if secure else 'http'}://{host}{CALLBACK}"
        attempt = attempts.new_attempt(redirect, partial(secrets.token_urlsafe, 32))
        try:
            place = await self._call(partial(self._provider.begin, attempt))
        except FrameworkError as error:
            return self._refuse(request, error, back)
        answer = self._pages.show(request, None, "onward", place=place, title=self._provider.title)
        mark = self._sessions.mark
        for name in list(cookies.read_attempts(request, mark))[: -_MOST_ATTEMPTS + 1]:
            cookies.delete_attempt(answer, mark, name)
        sealed = attempts.seal(
            self._sessions.attempt_key, Pending(attempt, back, self._now() + LIFE_S)
        )
        name = attempts.name_attempt(attempt.state)
        cookies.set_attempt(answer, mark, name, sealed, secure=secure)
        return answer

    async def _finish(self, request: Request) -> Response:
        """Take what the provider sends back, and begin a session."""
        query, back = request.query_params, "/"
        state = query.get("state", "")
        name = attempts.name_attempt(state)
        cookie = cookies.read_attempts(request, self._sessions.mark).get(name, "")
        pending = attempts.unseal(self._sessions.attempt_key, cookie, state, self._now())
        try:
            if pending is None:
                raise SignInRefused(
                    "This browser has not begun to sign in, or more than ten minutes ago.",
                    "Begin again here.",
                )
            back = pending.to
            person = await self._read(pending, query.get("code", ""), query.get("error", ""))
        except FrameworkError as error:
            answer = self._refuse(request, error, back)
        else:
            answer = self._welcome(request, person, pending)
        cookies.delete_attempt(answer, self._sessions.mark, name)
        return answer

    async def _read(self, pending: Pending, code: str, error: str) -> Person:
        if error == "access_denied":
            raise SignInRefused(f"{self._provider.title} was told not to let you in here.")
        if error or not code:
            raise SignInRefused(
                f"{self._provider.title} signed nobody in, and gave no reason that prevs knows."
            )
        return await self._call(partial(self._provider.finish, pending.attempt, code))

    def _welcome(self, request: Request, person: Person, pending: Pending) -> Response:
        answer = self._pages.show(request, None, "onward", place=pending.to)
        cookie = self._sessions.begin_person(person)
        cookies.set_session(
            answer,
            self._sessions.mark,
            cookie,
            secure=pending.attempt.redirect.startswith("https://"),
            seconds=PERSON_SECONDS,
        )
        who = self._sessions.identify(person)
        self._audit.note(who, "sign in", person.id, 200, str(request.state.client))
        return answer

    def _refuse(self, request: Request, error: FrameworkError, back: str) -> Response:
        """Return the page to sign in with the reason; after too many, how long to wait."""
        if isinstance(error, ProviderUnreachable):
            answer = self._form.show_form(request, back, str(error), 503)
            answer.headers["Retry-After"] = str(_RETRY_S)
            return answer
        level = request.state.failed_auth.take(request.state.client)
        if level.allowed:
            return self._form.show_form(request, back, str(error), 403)
        why = f"Too many tries to sign in came from your address. Wait {level.retry} s."
        answer = self._form.show_form(request, back, why, 429)
        answer.headers["Retry-After"] = str(level.retry)
        return answer

    def _call(self, call: Callable[[], T]) -> Awaitable[T]:
        return anyio.to_thread.run_sync(call, limiter=self._calls)
