"""The settings of sign-in with an identity provider."""

import ipaddress
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from program.settings.environment import EnvironmentSettings, Networks, SecretFile, read_secret

_PUBLIC = {"github": "https://github.com", "gitlab": "https://gitlab.com"}
Kind = Literal["openid", "github", "gitlab", "gitea"]


class SignIn(NamedTuple):
    """An identity provider, and what it knows prevs by."""

    kind: Kind
    url: str
    client_id: str
    secret: str
    groups_claim: str = "groups"


class SignInSettings(EnvironmentSettings):
    """Where people sign in. Every framework needs the same settings."""

    sign_in: Literal["off", "openid", "github", "gitlab", "gitea", "proxy"] = Field(
        default="off",
        description="Where people sign in to the dashboard and the command line: at an OpenID "
        "Connect provider, or at a forge; `off`: with tokens only. `gitea` is Forgejo, too. "
        "`proxy`: at a proxy in front of the dashboard, which sends their names.",
    )
    sign_in_url: str = Field(
        default="",
        description="The issuer of OpenID Connect, or the address of the forge. Empty: "
        "github.com or gitlab.com.",
        examples=["https://login.example.org/realms/staff"],
    )
    sign_in_client_id: str = Field(
        default="", description="The client id that the provider has given prevs."
    )
    sign_in_secret_file: SecretFile | None = Field(
        default=None, description="Holds the client secret that goes with it."
    )
    sign_in_groups_claim: str = Field(
        default="groups",
        min_length=1,
        description="The claim of OpenID Connect with the groups that a person is in.",
    )

    trusted_proxies: Networks = Field(
        default="",
        description="Addresses or networks of the proxies in front of the dashboard. With "
        "`PREVS_SIGN_IN=proxy`, the headers `X-Auth-Request-User` and `X-Auth-Request-Groups` of "
        "their requests say who has signed in. No agent may be among them.",
        examples=["10.0.1.10,fd00:1::/64"],
    )

    @property
    def has_sign_in(self) -> bool:
        """Whether visitors can sign in."""
        return self.sign_in != "off"

    @model_validator(mode="after")
    def _check_sign_in(self) -> "SignInSettings":
        if self.sign_in == "proxy" and not self.trusted_proxies:
            raise ValueError(
                "PREVS_SIGN_IN=proxy needs PREVS_TRUSTED_PROXIES: otherwise anybody could sign in "
                "as anybody"
            )
        if self.sign_in in {"off", "proxy"}:
            return self
        url = self.sign_in_url or _PUBLIC.get(self.sign_in, "")
        for name, is_missing in (
            ("URL", not url),
            ("CLIENT_ID", not self.sign_in_client_id),
            ("SECRET_FILE", self.sign_in_secret_file is None),
        ):
            if is_missing:
                raise ValueError(f"PREVS_SIGN_IN={self.sign_in} needs PREVS_SIGN_IN_{name}")
        if not _is_safe(url):
            raise ValueError(
                "PREVS_SIGN_IN_URL has to begin with https:// and have no query: who can change "
                "what the provider says can sign in as anybody (http:// works at a loopback "
                "address, to try it out)"
            )
        return self

    def proxies_in_front(self) -> tuple[str, ...]:
        """Return the networks of the proxies that say who has signed in; none if none may."""
        return tuple(self.trusted_proxies.split(",")) if self.sign_in == "proxy" else ()

    def provider(self) -> SignIn | None:
        """Return where people sign in, None for nowhere. Reads the secret."""
        if self.sign_in == "off" or self.sign_in == "proxy":  # noqa: PLR1714 - mypy reads it
            return None
        if self.sign_in_secret_file is None:
            return None
        return SignIn(
            self.sign_in,
            self.sign_in_url or _PUBLIC[self.sign_in],
            self.sign_in_client_id,
            read_secret(Path(self.sign_in_secret_file)),
            self.sign_in_groups_claim,
        )


def _is_safe(url: str) -> bool:
    """Return whether nobody on the way can change what comes from a URL."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.query or parts.fragment or "@" in parts.netloc or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
