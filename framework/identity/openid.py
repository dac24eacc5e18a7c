"""OpenID Connect: the code flow with PKCE, state and nonce, after discovery.

Sources: OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (PKCE).
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from framework.clock import Clock
from framework.identity import id_token
from framework.identity.claims import read_person
from framework.identity.id_token import Expected, UnknownKey
from framework.identity.provider_client import Credentials, ProviderClient
from framework.people.attempts import make_challenge
from framework.ports.identity import Person, SignInAttempt
from framework.ports.identity_errors import SignInRefused

_GROUPS = "groups"
_FRESH_S = 3600.0
"""How long what discovery found counts."""


class Dialect(NamedTuple):
    """How one kind of provider differs: the scopes to ask for, and the names of its groups.

    `rename` returns a group's name as prevs writes it.
    """

    scopes: str = "openid profile email"
    groups_claim: str = "groups"
    rename: Callable[[str], str] = str


class Endpoints(NamedTuple):
    """What discovery finds; `userinfo` may be "".

    With `takes_basic`, HTTP Basic is accepted, with `has_groups` a scope for groups is known.
    """

    issuer: str
    authorization: str
    token: str
    userinfo: str
    keys: str
    takes_basic: bool
    has_groups: bool


class OpenIdProvider:
    """framework.ports.identity.IdentityProvider for the issuer at `issuer`. Thread safe."""

    def __init__(
        self,
        title: str,
        issuer: str,
        credentials: Credentials,
        client: ProviderClient,
        *,
        dialect: Dialect,
        clock: Clock,
    ) -> None:
        self.title = title
        self._issuer = issuer
        self._credentials = credentials
        self._client = client
        self._dialect = dialect
        self._clock = clock
        self._lock = threading.Lock()
        self._endpoints: Endpoints | None = None
        self._looked = 0.0
        self._keys: Sequence[Mapping[str, Any]] = ()

    def begin(self, attempt: SignInAttempt) -> str:
        """Return the provider's address to send the browser to. Raises ProviderUnreachable."""
        endpoints = self._discover()
        endpoint, scopes = endpoints.authorization, self._dialect.scopes
        if endpoints.has_groups and _GROUPS not in scopes.split():
            # Some release groups only then, and others refuse scopes that they do not know.
            scopes = f"{scopes} {_GROUPS}"
        query = {
            "response_type": "code",
            "client_id": self._credentials.id,
            "redirect_uri": attempt.redirect,
            "scope": scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": make_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def finish(self, attempt: SignInAttempt, code: str) -> Person:
        """Return who has signed in. Raises SignInRefused, ProviderUnreachable."""
        endpoints = self._discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect,
            "code_verifier": attempt.verifier,
        }
        basic = endpoints.takes_basic
        answer = self._client.redeem(
            endpoints.token,
            form if basic else {**form, **self._credentials.as_form()},
            self._credentials.as_basic() if basic else {},
        )
        text = answer.get("id_token")
        if not isinstance(text, str):
            raise SignInRefused(
                "The identity provider sent no id token.",
                "An operator has to allow the scope `openid` there.",
            )
        claims = self._verify(text, endpoints, attempt.nonce)
        more = self._read_userinfo(endpoints, answer.get("access_token"), claims)
        dialect = self._dialect
        return read_person({**more, **claims}, dialect.groups_claim, dialect.rename)

    def _discover(self) -> Endpoints:
        """Return what discovery found, asked for anew each hour."""
        with self._lock:
            known, looked = self._endpoints, self._looked
        if known is not None and self._clock.monotonic() - looked < _FRESH_S:
            return known
        found = self._client.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        endpoints = self._read_endpoints(found)
        with self._lock:
            self._endpoints, self._looked = endpoints, self._clock.monotonic()
        return endpoints

    def _read_endpoints(self, found: Any) -> Endpoints:
        fields = found if isinstance(found, dict) else {}
        issuer = fields.get("issuer")
        # Some write their issuer with a slash at the end, and people without one.
        if not isinstance(issuer, str) or issuer.rstrip("/") != self._issuer.rstrip("/"):
            raise self._client.fail(
                "says that it is another issuer: PREVS_SIGN_IN_URL has to be its own name"
            )
        methods = fields.get("token_endpoint_auth_methods_supported")
        known = fields.get("scopes_supported")
        return Endpoints(
            issuer,
            self._read_url(fields, "authorization_endpoint"),
            self._read_url(fields, "token_endpoint"),
            self._read_url(fields, "userinfo_endpoint") if fields.get("userinfo_endpoint") else "",
            self._read_url(fields, "jwks_uri"),
            not isinstance(methods, list) or "client_secret_basic" in methods,
            isinstance(known, list) and _GROUPS in known,
        )

    def _read_url(self, fields: Mapping[str, Any], name: str) -> str:
        """Return an address; it may be without TLS only if the issuer's is."""
        url = fields.get(name)
        schemes = {"https", urlsplit(self._issuer).scheme}
        if isinstance(url, str) and url.isascii() and url.isprintable() and " " not in url:
            parts = urlsplit(url)
            if parts.scheme in schemes and parts.hostname and not parts.fragment:
                return url
        raise self._client.fail(f"names no usable {name}")

    def _verify(self, text: str, endpoints: Endpoints, nonce: str) -> Mapping[str, Any]:
        """Return the claims of an id token; its key may be newer than those that are known."""
        expected = Expected(endpoints.issuer, self._credentials.id, nonce)
        try:
            return id_token.verify(text, self._keys, expected, self._clock.now())
        except UnknownKey:
            self._keys = id_token.read_keys(self._client.get(endpoints.keys))
        try:
            return id_token.verify(text, self._keys, expected, self._clock.now())
        except UnknownKey:
            raise SignInRefused(
                "The identity provider's answer is signed with a key that the provider does not "
                "show."
            ) from None

    def _read_userinfo(
        self, endpoints: Endpoints, access_token: Any, claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return more claims, if the id token lacks some that count."""
        has_all = self._dialect.groups_claim in claims and "preferred_username" in claims
        if has_all or not endpoints.userinfo or not isinstance(access_token, str):
            return {}
        found = self._client.get(endpoints.userinfo, {"Authorization": f"Bearer {access_token}"})
        if not isinstance(found, dict) or found.get("sub") != claims["sub"]:
            # OpenID Connect Core 1.0, 5.3.2: then it must not be used.
            raise SignInRefused("The identity provider's two answers are about different people.")
        return found
