"""The roles of people: what they may do, as the framework stores it.

Times are seconds since the epoch (UTC).
"""

import dataclasses
import hashlib

from prevs import codec

TOKEN_PREFIX = "prevs_person_"  # noqa: S105 (no token by itself)
"""What a token of a person begins with; no other token does."""


@dataclasses.dataclass(frozen=True)
class RoleRecord:
    """What its holder may do: "read", "use" or "admin", in one `app`, or in all ("").

    The holder is everybody in a `group` of the identity provider, or the one `person` with that
    login; the other one is "".
    """

    scope: str
    group: str = ""
    person: str = ""
    app: str = ""
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
