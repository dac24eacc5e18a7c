"""Who may look, as the framework writes it, and the passes of visitors."""

import dataclasses
import time
from typing import Any

from prevs.access import Access, AccessRecord, IssuedPass
from prevs.signatures import derive_pass_key, sign_access
from program.passes.passes import ANY_HOST, Pass, write_pass
from tests.fakes.asgi import TOKEN
from tests.fakes.placements import KEY

PASS_KEY = derive_pass_key(TOKEN)
ERA = 1_790_000_000_123


def guard(
    app: str,
    *ids: str,
    era: int = ERA,
    preflight: bool = False,
    key: bytes = KEY,
    team: bool = False,
) -> bytes:
    """Return the bytes of a signed record; `ids` are those of passes in force."""
    issued = {one: IssuedPass(one, "machine", time.time() + 3600) for one in ids}
    access = Access.TEAM if team else Access.PASSWORD
    record = AccessRecord(app, access, era, issued, preflight)
    return dataclasses.replace(record, signature=sign_access(key, record)).encode()


def make_pass(app: str, host: str = ANY_HOST, *, key: str = PASS_KEY, **fields: Any) -> str:
    """Return a pass that counts for an hour, in the era of `guard`, unless `fields` differ."""
    given = {"era": ERA, "until": time.time() + 3600, **fields}
    return write_pass(key, Pass(app, host, **given))
