"""A double of OpenID Connect providers, as GitLab, Gitea and others speak it."""

import base64
import functools
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.fakes.identity.server import CLIENT_ID, SECRET, Account, ProviderServer, Reply, Request
from tests.fakes.identity.server import in_json as answer


@functools.cache
def _make_key(kid: str) -> RSAKey:
    """Return the key of this name, which takes 0.07 s to make: doubles share it."""
    return RSAKey.generate_key(2048, {"kid": kid})


class OpenIdServer(ProviderServer):
    """A provider. `change` returns other claims for an id token, `sign` another signature.

    `key` signs. With `groups_in_token`, groups are in the id token; else in userinfo alone, as at
    GitLab.
    """

    def __init__(self, *, groups_in_token: bool = True, base: str = "") -> None:
        super().__init__()
        self.issuer = f"{self.origin}{base}"
        self.base = base.rstrip("/")
        self.key = _make_key("first")
        self.shown = [self.key]
        self.groups_in_token = groups_in_token
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.sign: Callable[[dict[str, Any]], str] = self.sign_well

    def sign_well(self, claims: dict[str, Any]) -> str:
        """Return an id token that is signed with the provider's key."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def sign_with_secret(self, claims: dict[str, Any]) -> str:
        """Return an id token that is signed with the client's secret."""
        return self._write(claims, "HS256", SECRET.encode())

    def sign_with_public_key(self, claims: dict[str, Any]) -> str:
        """Return an id token whose HMAC has the public key as its secret."""
        return self._write(claims, "HS256", self.key.as_pem(private=False))

    def sign_not(self, claims: dict[str, Any]) -> str:
        """Return an id token without a signature."""
        return self._write(claims, "none")

    def sign_as_foreigner(self, claims: dict[str, Any]) -> str:
        """Return an id token that a foreign key has signed, under the name of the right one."""
        foreign = _make_key("foreign")
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, foreign)

    def _write(self, claims: dict[str, Any], algorithm: str, secret: bytes = b"") -> str:
        """Return a token as no library makes it any more."""
        parts = ({"alg": algorithm, "kid": self.key.kid}, claims)
        signed = ".".join(_encode(json.dumps(part).encode()) for part in parts)
        mac = hmac.digest(secret, signed.encode(), "sha256") if secret else b""
        return f"{signed}.{_encode(mac)}"

    def answer(self, request: Request) -> Reply:
        """Return the answer to a request."""
        match request.path.removeprefix(self.base):
            case "/.well-known/openid-configuration":
                return answer(self.describe())
            case "/authorize":
                return self.authorize(request)
            case "/token":
                return self._exchange(request)
            case "/userinfo":
                account = self.find_bearer(request)
                return answer(self._claims(account)) if account else answer({}, 401)
            case "/keys":
                return answer({"keys": [key.as_dict(private=False) for key in self.shown]})
        return answer({}, 404)

    def describe(self) -> dict[str, Any]:
        """Return what discovery finds."""
        place = f"{self.origin}{self.base}"
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{place}/authorize",
            "token_endpoint": f"{place}/token",
            "userinfo_endpoint": f"{place}/userinfo",
            "jwks_uri": f"{place}/keys",
        }

    def _exchange(self, request: Request) -> Reply:
        if not self.is_client(request):
            return answer({"error": "invalid_client"}, 401)
        found = self.redeem(request)
        if found is None:
            return answer({"error": "invalid_grant"}, 400)
        asked, account, token = found
        now = int(time.time())
        known = self._claims(account)
        if not self.groups_in_token:
            known = {"sub": account.subject}
        claims = {
            **known,
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked.get("nonce"),
        }
        signed = self.sign(self.change(claims))
        return answer({"access_token": token, "token_type": "Bearer", "id_token": signed})

    def _claims(self, account: Account) -> dict[str, Any]:
        return {
            "sub": account.subject,
            "preferred_username": account.login,
            "groups": list(account.groups),
            **account.more,
        }


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
