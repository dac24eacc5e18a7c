"""Who may look at an app's previews, as the framework stores it and proxies enforce it.

Times are seconds since the epoch (UTC).
"""

import dataclasses
import enum
from collections.abc import Mapping

from prevs import codec


class Access(enum.Enum):
    """Who may look: everybody, who knows the app's password, or who has a role for the app."""

    PUBLIC = "public"
    PASSWORD = "password"  # noqa: S105 (a word of the API)
    TEAM = "team"


@dataclasses.dataclass(frozen=True)
class IssuedPass:
    """A pass that somebody issued: a link to share (`share`) or a program's (`machine`).

    `label` is the only label that the pass opens, "" for all. It ends at `until`. `by` is the name
    of the token that issued it. The pass itself is not stored.
    """

    name: str
    kind: str
    until: float
    label: str = ""
    by: str = ""
    created: float = 0.0


@dataclasses.dataclass(frozen=True)
class AccessRecord:
    """Who may look at an app's previews. An app without a record is public.

    A pass counts only in the `era` in which it was made; no era of an app comes twice. `passes`
    maps the ids of issued passes to what they are; one that is missing has been revoked. With
    `preflight`, CORS preflights need no pass. `signature` is that of all other fields
    (prevs/signatures.py).
    """

    app: str
    access: Access = Access.PUBLIC
    era: int = 0
    passes: Mapping[str, IssuedPass] = dataclasses.field(default_factory=dict)
    preflight: bool = False
    signature: str = ""

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "AccessRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(AccessRecord, 1, data)
