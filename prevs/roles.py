"""The roles of people and the tokens of programs: what they may do, as the framework stores it.

Times are seconds since the epoch (UTC).
"""

import dataclasses
import hashlib

from prevs import codec
from prevs.declarations import setting

TOKEN_PREFIX = "prevs_person_"  # noqa: S105 (no token by itself)
"""What a token of a person begins with; no other token does."""

SCOPES = ("read", "use", "admin")
"""What a token and a role may allow; each allows what those before it do."""


@dataclasses.dataclass(frozen=True)
class TokenRecord:
    """A token of the framework's API: what it allows, and its SHA-256 in hex."""

    name: str
    digest: str
    scope: str = setting(
        dataclasses.MISSING,
        "Scope",
        "`read`: every GET but tokens and the audit log. `use`: also to start, stop, retry, pin "
        "and share previews. `admin`: also apps, tokens, the audit log.",
        choices=SCOPES,
    )
    created: float = 0.0
    app: str = setting(
        "",
        "App",
        "The one app that it is for, and with which it is removed. Without one it is for all apps. "
        "It sees nothing of other apps, and nothing of the cluster.",
        is_left_out=True,
    )

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "TokenRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(TokenRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class RoleRecord:
    """What its holder may do, in one app or in all. The holder is either a group or a person."""

    scope: str = setting(
        dataclasses.MISSING,
        "Scope",
        "As for tokens. `admin` is for all apps only.",
        choices=SCOPES,
    )
    group: str = setting(
        "",
        "Group",
        "Everybody in this group of the identity provider: `shop-devs`, `organization/team` at a "
        "forge.",
        order_text="Set this or `person`.",
        is_left_out=True,
    )
    person: str = setting(
        "", "Person", "The one person who signs in with this login.", is_left_out=True
    )
    app: str = setting(
        "",
        "App",
        "The one app that it is for, and with which it is removed. Without one it is for all apps.",
        is_left_out=True,
    )
    created: float = 0.0

    @property
    def id(self) -> str:
        """What the holder and the app are stored under: a holder has one role for an app."""
        return find_role_id(group=self.group, person=self.person, app=self.app)

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "RoleRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(RoleRecord, 1, data)


def find_role_id(*, group: str = "", person: str = "", app: str = "") -> str:
    """Return the id of a holder's role for an app: 32 hex digits.

    Names of groups may have any character, and a znode's may not.
    """
    named = "\0".join((group, person, app))
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:32]
