"""The pages to sign in with a token, and to sign out."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from framework.dashboard.session import cookies
from framework.dashboard.session.page_access import PageAccess, is_own, read_form
from framework.dashboard.session.responses import Pages
from framework.dashboard.session.sessions import Sessions
from program.http import same_origin

_FORM = "/sign-in"
_NO_STORE = {"Cache-Control": "no-store"}
PLAIN = (
    "Nobody can sign in over plain http: a preview of the same domain could exchange the "
    "session. Open this page over https (docs/operating/tls.md), or at a loopback address, "
    "through `ssh -L 8090:THIS-HOST:8090`."
)


class SignIn:
    """The pages to sign in and to sign out."""

    def __init__(
        self, sessions: Sessions, access: PageAccess, pages: Pages, *, provider: str = ""
    ) -> None:
        """`provider` is the title of the identity provider, "" for none."""
        self._sessions = sessions
        self._access = access
        self._pages = pages
        self._provider = provider

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            Route(_FORM, self._show, methods=["GET"]),
            Route(_FORM, self._sign_in, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        back = same_origin.own_path(request.query_params.get("next", "/"))
        if self._access.find(request):
            return RedirectResponse(back, 303, _NO_STORE)
        return self.show_form(request, back)

    async def _sign_in(self, request: Request) -> Response:
        form = await read_form(request)
        back = same_origin.own_path(form.get("next", "/"))
        if not is_own(request):
            why = "Only this page itself may sign you in. Reload it."
            return self.show_form(request, back, why, 403)
        if not cookies.may_be_set(request):
            return self.show_form(request, back, PLAIN, 403)
        cookie = self._sessions.begin(form.get("token", "").strip())
        if cookie is None:
            return self._refuse(request, back)
        answer = RedirectResponse(back, 303, _NO_STORE)
        secure = cookies.is_secure(request)
        cookies.set_session(answer, self._sessions.mark, cookie, secure=secure)
        return answer

    def _refuse(self, request: Request, back: str) -> Response:
        """Refuse an invalid token; after too many of them, say how long to wait."""
        level = request.state.failed_auth.take(request.state.client)
        if level.allowed:
            return self.show_form(request, back, "This is not a token of this installation.", 403)
        why = f"Too many wrong tokens came from your address. Wait {level.retry} s."
        answer = self.show_form(request, back, why, 429)
        answer.headers["Retry-After"] = str(level.retry)
        return answer

    async def _sign_out(self, request: Request) -> Response:
        viewer = self._access.find(request)
        form = await read_form(request)
        if viewer and not (is_own(request) and viewer.is_form(form.get("csrf", ""))):
            why = "Only this dashboard's own pages may sign you out. Reload the page."
            return self._pages.refuse(request, viewer, 403, why)
        answer = RedirectResponse("/sign-in?did=sign-out", 303, _NO_STORE)
        cookies.delete_session(request, answer, self._sessions.mark)
        return answer

    def show_form(self, request: Request, back: str, why: str = "", status: int = 200) -> Response:
        """Return the page to sign in, with the reason why that has failed."""
        values = {"back": back, "why": why, "provider": self._provider}
        is_by_token = request.url.path == _FORM and request.method == "POST"
        return self._pages.show(
            request, None, "sign_in", status=status, with_token=is_by_token, **values
        )
