"""The dashboard in this process, over fakes."""

import re
import time
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from typing import Any

import httpx

from framework.access import Scope
from framework.dashboard import add_dashboard
from framework.ports.identity import IdentityProvider
from prevs import names
from tests.fakes.asgi import TOKEN, ApiInProcess, fetch

BASE = "http://prevs.localhost"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u202e{{7*7}}"
"""What no page may show as markup."""


class Seen(HTMLParser):
    """A page as a browser parses it: its elements, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def words(self) -> str:
        """The text with one space between two words."""
        return " ".join(self.text.split())

    def find(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """Return the elements that have some attributes."""
        return [
            has
            for name, has in self.elements
            if name == tag and attributes.items() <= {k: v or "" for k, v in has.items()}.items()
        ]

    def buttons(self) -> set[str]:
        """Return the actions of the page's forms."""
        return {str(has["action"]) for has in self.find("form", method="post")}


class Dashboard(ApiInProcess):
    """The API over fakes with the dashboard in it. `now` is in seconds since the epoch."""

    def __init__(
        self,
        port: int = 8080,
        operator_token: str = TOKEN,
        now: Callable[[], float] = time.time,
        provider: IdentityProvider | None = None,
        proxies: Sequence[str] = (),
    ) -> None:
        super().__init__(port, token=operator_token)
        add_dashboard(
            self.app,
            self.ports,
            self.admission,
            operator_token=operator_token,
            addresses=names.addresses("localhost", port),
            provider=provider,
            proxies=proxies,
            now=now,
        )
        self.tokens.now = now

    def sign_in(self, token: str = TOKEN) -> "Visitor":
        """Return somebody who has signed in."""
        visitor = Visitor(self)
        answer = visitor.post("/sign-in", {"token": token})
        assert answer.status_code == 303, answer.text
        return visitor

    def enter(self, scope: Scope, app: str = "") -> "Visitor":
        """Return somebody who has signed in with a scope, in one app or with "" in all."""
        return self.sign_in(self.bearer(scope, app)["Authorization"].removeprefix("Bearer "))


class Visitor:
    """Somebody with a browser: it keeps cookies and sends forms."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.dashboard = dashboard
        self.cookies = httpx.Cookies()

    def get(self, path: str, **request: Any) -> httpx.Response:
        """Return a page."""
        return self._send("GET", path, **request)

    def see(self, path: str, status: int = 200) -> Seen:
        """Return a page whose answer has a status."""
        answer = self.get(path)
        assert answer.status_code == status, answer.text
        return Seen(answer.text)

    def post(self, path: str, form: dict[str, str], **request: Any) -> httpx.Response:
        """Send a form, with a browser's headers about its origin."""
        headers = {"Origin": BASE, "Sec-Fetch-Site": "same-origin", **request.pop("headers", {})}
        return self._send("POST", path, data=form, headers=headers, **request)

    def act(self, path: str, **form: str) -> httpx.Response:
        """Send a form of a page that was shown."""
        return self.post(path, {"csrf": self.csrf(), **form})

    def csrf(self) -> str:
        """Return what is in each form of this visitor's pages."""
        found = re.search('name="csrf" value="([0-9a-f]+)"', self.get("/").text)
        assert found
        return found[1]

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = fetch(self.dashboard.app, method, path, cookies=self.cookies, **request)
        self.cookies.extract_cookies(answer)
        return answer
