"""Stored records that no token of ours has signed. Pure.

Somebody else may have written them, or a token was taken away too early. So nothing follows from
them, and they stay in ZooKeeper as they are: with the token, the next leader trusts them again.
"""

import enum
from collections.abc import Collection, Mapping
from typing import NamedTuple

from framework.errors import Conflict
from program.http.health import Check

CHECK = "signatures"
_BACK = (
    "If a token was changed, add the former one as the last line of the frameworks' "
    "PREVS_PROXY_TOKEN_FILE and restart them"
)


class RecordKind(enum.Enum):
    """What a record that has a signature is about."""

    GATE = "gate"
    STACK = "stack"
    ACCESS = "access"


class Refused(NamedTuple):
    """A record without a signature by any of our tokens; `app` is the app it names."""

    kind: RecordKind
    name: str
    app: str

    def describe(self) -> str:
        """Return what has happened, as an event's sentence."""
        what = {
            RecordKind.GATE: f"the gate {self.name} is left out",
            RecordKind.STACK: f"the stack {self.name} is left out",
            RecordKind.ACCESS: f"{self.name} is closed to its visitors",
        }
        return f"{what[self.kind]}: none of the frameworks' tokens has signed its record"


RefusedRecords = Mapping[tuple[RecordKind, str], Refused]
"""Every such record, by kind and name."""


class NotTrusted(Conflict):
    """Somebody would change a record that none of our tokens has signed."""

    def __init__(self, kind: RecordKind, name: str) -> None:
        what, instead = {
            RecordKind.GATE: (f"The gate {name!r}", f"remove it (`prevs gate rm {name} --yes`)"),
            RecordKind.STACK: (f"The stack {name!r}", f"remove it (`prevs stack rm {name} --yes`)"),
            RecordKind.ACCESS: (
                f"Who may look at {name!r}",
                f"write who may look anew (`prevs access {name} password`, or another mode)",
            ),
        }[kind]
        super().__init__(
            f"{what} is stored, but none of the frameworks' tokens has signed the record. It is "
            f"kept as it is. {_BACK}. If nobody has that token, {instead}."
        )
        self.kind, self.name = kind, name


def judge_signatures(refused: Collection[object], missigned: int, *, is_changing: bool) -> Check:
    """Return the check of the records' signatures, without names: /readyz needs no token.

    `missigned` records still have the signature of a later token. `is_changing` is whether several
    tokens are trusted now: then the check says whether the later ones may go.
    """
    if refused:
        count = len(refused)
        what = "1 record has" if count == 1 else f"{count} records have"
        detail = f"{what} a signature of no token that this framework has, and count for nothing."
        return Check(CHECK, False, f"{detail} They are kept. {_BACK}.", needed=False)
    if missigned:
        detail = f"{missigned} records still have the signature of a later token: keep all tokens."
        return Check(CHECK, False, detail, needed=False)
    if is_changing:
        detail = "All records have the signature of the first token: the later ones may go."
        return Check(CHECK, True, detail, needed=False)
    return Check(
        CHECK, True, "All records have the signature of the one token of proxies.", needed=False
    )
