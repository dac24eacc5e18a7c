"""Requests to one identity provider: JSON that may be trusted as far as its TLS, within limits."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from framework.ports.identity_errors import ProviderUnreachable, SignInRefused
from program.http import outgoing
from program.http.outgoing import Limits, NoAnswer

LIMITS = Limits(silence=10.0, whole=20.0, size=1024 * 1024)
_WRONG_CLIENT = ("invalid_client", "unauthorized_client", "incorrect_client_credentials")


class Credentials(NamedTuple):
    """What the provider knows prevs by; the secret is in no text and in no address."""

    id: str
    secret: str

    def as_basic(self) -> dict[str, str]:
        """Return the header of HTTP Basic, as RFC 6749, 2.3.1 has it."""
        pair = f"{quote(self.id, safe='')}:{quote(self.secret, safe='')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def as_form(self) -> dict[str, str]:
        """Return the fields of a form."""
        return {"client_id": self.id, "client_secret": self.secret}


class ProviderClient:
    """Sends requests to one provider, whose address for people is `address`. Thread safe.

    `clock` gives monotonic seconds. Redirects are not followed: none of these calls needs one.
    """

    def __init__(
        self, address: str, clock: Callable[[], float], http: httpx.Client, limits: Limits = LIMITS
    ) -> None:
        self.address = address
        self._clock = clock
        self._http = http
        self._limits = limits

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Return the JSON at a URL. Raises ProviderUnreachable."""
        status, found = self._send("GET", url, headers=headers or {})
        if status != httpx.codes.OK:
            raise self.fail(f"answered {httpx.URL(url).path} with the status {status}")
        return found

    def redeem(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """Return what a code is exchanged for."""
        status, found = self._send("POST", url, headers=headers or {}, form=form)
        error = found.get("error") if isinstance(found, dict) else None
        if error in _WRONG_CLIENT or status == httpx.codes.UNAUTHORIZED:
            raise SignInRefused(
                "The identity provider does not know prevs by its client id and secret.",
                "An operator has to correct PREVS_SIGN_IN_CLIENT_ID or the file "
                "PREVS_SIGN_IN_SECRET_FILE.",
            )
        # GitHub answers errors with 200.
        if isinstance(error, str) or status == httpx.codes.BAD_REQUEST:
            raise SignInRefused("The identity provider does not accept the code (any more).")
        if status != httpx.codes.OK or not isinstance(found, dict):
            raise self.fail(f"answered the code with the status {status}")
        return found

    def fail(self, why: str) -> ProviderUnreachable:
        """Return the error for an answer that cannot be used."""
        return ProviderUnreachable(self.address, why)

    def _send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Return the status and the JSON of an answer; None for another body than JSON."""
        sent = {"Accept": "application/json", "User-Agent": "prevs", **headers}
        try:
            with self._http.stream(
                method, url, headers=sent, data=form, timeout=self._limits.silence
            ) as response:
                body = outgoing.read_body(response, self._limits, self._clock)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self.fail(outgoing.explain(error, self._limits)) from None
        except NoAnswer as error:
            raise self.fail(error.why) from None
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if found is None and response.status_code == httpx.codes.OK:
            raise self.fail("answered with something that is not JSON")
        return response.status_code, found
