"""Visitors of guarded apps at a proxy of the tests."""

import contextlib
import http.client
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.integration.haproxy.proxies import BROWSER, Answer, Proxy, read_answer

HOST, OTHER, SIGN_IN = "main.shop.localhost", "v1.shop.localhost", "sign-in.localhost"


class Visitor:
    """A browser without a screen: it keeps the cookies of each host, and follows no redirect."""

    def __init__(self, proxy: Proxy, address: str = "127.0.0.1") -> None:
        self.proxy = proxy
        self._from = (address, 0)
        self.jars: dict[str, dict[str, str]] = {}

    def go(self, url: str, **more: str) -> Answer:
        """Go to an address."""
        return self._send(url, {**BROWSER, **more})

    def post(self, url: str, **fields: str) -> Answer:
        """Send a form from the page at the same host."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        }
        return self._send(url, {**BROWSER, **headers}, "POST", urlencode(fields).encode())

    def cookies(self, host: str) -> str:
        """Return what it sends to a host as Cookie."""
        return "; ".join(f"{name}={value}" for name, value in self.jars.get(host, {}).items())

    def _send(
        self, url: str, headers: dict[str, str], method: str = "GET", body: bytes | None = None
    ) -> Answer:
        parts = urlsplit(url)
        jar = self.jars.setdefault(str(parts.hostname), {})
        if jar:
            headers["Cookie"] = self.cookies(str(parts.hostname))
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        to = ("127.0.0.1", self.proxy.port)
        with contextlib.closing(http.client.HTTPConnection(*to, 30, self._from)) as client:
            client.request(method, path, body, {"Host": parts.netloc, **headers})
            answer = client.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie", []):
                self._keep(jar, cookie)
            return read_answer(answer)

    def _keep(self, jar: dict[str, str], cookie: str) -> None:
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        name, _, value = cookie.partition(";")[0].partition("=")
        jar[name] = value
        if "Max-Age=0" in cookie:
            del jar[name]

    def begin(self, host: str = HOST, path: str = "/x?y=1") -> str:
        """Visit a preview; return the address of the sign-in host to which that leads."""
        first = self.go(f"http://{host}{path}")
        assert first.status == 303
        second = self.go(f"http://{host}{first.headers['location']}")
        assert (second.status, second.headers["cache-control"]) == (303, "no-store")
        assert urlsplit(second.headers["location"]).hostname == SIGN_IN
        return second.headers["location"]

    def enter(self, host: str = HOST, path: str = "/x?y=1") -> str:
        """Enter with the password; return the address with the code, unused."""
        url = self.begin(host, path)
        answer = self.post(url, password="open sesame", **fields_of(url))
        assert answer.status == 303
        return answer.headers["location"]


def fields_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
