"""Access to pages and actions: each one needs a session, and a scope.

Who sees single apps opens paths with these apps, and pages that show these apps alone.
"""

import shlex
import urllib.parse
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from framework.access import Scope
from framework.dashboard.session import cookies
from framework.dashboard.session.responses import Pages, here
from framework.dashboard.session.sessions import Sessions, Viewer
from framework.errors import FrameworkError
from framework.http_api.admission.audit import Audit
from framework.people.errors import NoRole
from framework.people.identities import not_of_app
from framework.ports.identity import Person
from program.http import same_origin

Endpoint = Callable[[Request], Awaitable[Response]]
Show = Callable[[Request, Viewer], Awaitable[Response]]
Form = dict[str, str]
_SHOWN_GROUPS = 20


class Action(NamedTuple):
    """An action that changes something: its name in the audit log, and the scope it needs.

    The audit log has the names in the path as its target, or request.state.target if that is set.
    A report changes nothing, so the log notes only refused ones.
    """

    name: str
    needed: Scope
    is_report: bool = False


Act = Callable[[Request, Viewer, Form], Awaitable[Response]]


class PageAccess:
    """Passes requests to pages and actions, or answers why not."""

    def __init__(
        self,
        sessions: Sessions,
        pages: Pages,
        audit: Audit,
        *,
        find_person: Callable[[Request], Person | None] = lambda _: None,
    ) -> None:
        """`find_person` returns who has signed in at a proxy in front."""
        self._find_person = find_person
        self._sessions = sessions
        self._pages = pages
        self._audit = audit

    def protected_page(
        self, show: Show, needed: Scope = Scope.READ, *, narrows: bool = False
    ) -> Endpoint:
        """Return an endpoint that shows a page to those who have signed in.

        With `narrows`, `show` itself leaves out other apps than those that the viewer sees.
        """

        async def answer(request: Request) -> Response:
            viewer = self.find(request)
            if viewer is None:
                return self._redirect_to_sign_in(request, here(request))
            viewer = viewer._replace(at=request.path_params.get("app", ""))
            if why := _find_objection(viewer, needed, narrows=narrows):
                return self._pages.refuse(request, viewer, 403, why)
            try:
                return await show(request, viewer)
            except FrameworkError as error:
                return self._pages.show_error(request, viewer, error)

        return answer

    def protected_action(self, action: Action, act: Act, *, narrows: bool = False) -> Endpoint:
        """Return an endpoint that does what a form of our own pages requests.

        With `narrows`, it is about no app but those that the viewer sees.
        """

        async def answer(request: Request) -> Response:
            viewer = self.find(request)
            form = await read_form(request)
            if viewer is None:
                return self._redirect_to_sign_in(
                    request, same_origin.own_path(form.get("back", "/"))
                )
            answer = await self._act(request, viewer, form, (action, act, narrows))
            if action.is_report and answer.status_code < 400:
                return answer
            target = "/".join(str(part) for part in request.path_params.values())
            self._audit.note(
                viewer.identity,
                action.name,
                getattr(request.state, "target", target),
                outcome=answer.status_code,
                client=str(request.state.client),
            )
            return answer

        return answer

    def find(self, request: Request) -> Viewer | None:
        """Return who has signed in, None if nobody has."""
        person = self._find_person(request)
        if person is not None:
            return self._sessions.view_from_proxy(person)
        known = cookies.read(request, self._sessions.mark)
        found = (self._sessions.find(cookie) for cookie in known)
        return next((viewer for viewer in found if viewer), None)

    def is_still(self, request: Request, viewer: Viewer) -> bool:
        """Return whether a viewer's session goes on, and they may do what they might."""
        found = self.find(request)
        return found is not None and found.identity == viewer.identity

    async def _act(
        self, request: Request, viewer: Viewer, form: Form, what: tuple[Action, Act, bool]
    ) -> Response:
        action, act, narrows = what
        viewer = viewer._replace(at=request.path_params.get("app", ""))
        if not is_own(request) or not viewer.is_form(form.get("csrf", "")):
            why = "Only this dashboard's own pages may send this request. Reload the page."
            return self._pages.refuse(request, viewer, 403, why)
        if objection := _find_objection(viewer, action.needed, narrows=narrows):
            return self._pages.refuse(request, viewer, 403, objection)
        try:
            return await act(request, viewer, form)
        except FrameworkError as error:
            return self._pages.show_error(request, viewer, error)

    def _redirect_to_sign_in(self, request: Request, back: str) -> Response:
        """Redirect to the sign-in page, which leads back to `back`."""
        query = "" if back == "/" else f"?{urllib.parse.urlencode({'next': back})}"
        place = f"/sign-in{query}"
        if request.headers.get("sec-fetch-site") == "cross-site":
            # A link on another site sends no SameSite=Strict cookie. A page of our own does.
            return self._pages.show(request, None, "onward", place=place)
        return RedirectResponse(place, 303, {"Cache-Control": "no-store"})


def _find_objection(viewer: Viewer, needed: Scope, *, narrows: bool = False) -> str | None:
    """Return why a viewer may not see a page or do an action; None if they may."""
    identity, highest = viewer.identity, viewer.identity.highest
    if highest is None:
        return _describe_nobody(viewer)
    if not highest.includes(needed):
        if identity.is_person:
            return str(NoRole(identity.name, viewer.standing))
        return (
            f"This needs a token with the scope {needed.value}; {identity.name} has "
            f"{highest.value}. Anybody with an admin token can make one for you."
        )
    if not narrows and not viewer.may(needed):
        return str(not_of_app(identity))
    return None


def _describe_nobody(viewer: Viewer) -> str:
    """Return what somebody without a role has to do, with the names that roles go by."""
    login = viewer.person.login if viewer.person else viewer.identity.name
    groups = sorted(viewer.person.groups)[:_SHOWN_GROUPS] if viewer.person else []
    also = f" or one of your groups ({', '.join(groups)})" if groups else ""
    return (
        f"You have signed in, but nobody has given {login}{also} a role yet. Ask somebody with the "
        f"scope admin for one: prevs role add --person {shlex.quote(login)}. Then reload this page."
    )


def is_own(request: Request) -> bool:
    """Return whether a page of the dashboard's own host sent a request."""
    return same_origin.is_own(
        host=request.headers.get("host", ""),
        origin=request.headers.get("origin"),
        fetch_site=request.headers.get("sec-fetch-site"),
    )


async def read_form(request: Request) -> Form:
    """Return the fields of a form, with empty ones; {} if the body is no form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind != "application/x-www-form-urlencoded":
        return {}
    try:
        text = body.decode("utf-8", "replace")
        fields = urllib.parse.parse_qs(text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


def send_back(form: Form, did: str, otherwise: str = "/") -> Response:
    """Redirect to the page of the action's form, with a notice of what was done."""
    back = same_origin.own_path(form.get("back") or otherwise)
    mark = "&" if "?" in back else "?"
    return RedirectResponse(f"{back}{mark}did={did}", 303, {"Cache-Control": "no-store"})
