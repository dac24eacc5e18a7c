"""How a stand-by tells the leader who asked, so that nobody else can say so.

All frameworks at one root have the operator's token; whoever has it may do everything anyway. A
key made of it seals the client's address, for one method and path and for a short time.
"""

import hashlib
import hmac
from collections.abc import Callable

VALID_S = 300.0
"""How far the clocks of two frameworks may be apart."""

_PURPOSE = b"prevs: who asked a stand-by"


class Vouching:
    """Seals and reads who asked. `token` is the operator's, `now` in seconds since the epoch."""

    def __init__(self, token: str, now: Callable[[], float]) -> None:
        self._key = hmac.digest(token.encode(), _PURPOSE, "sha256")
        self._now = now

    def vouch(self, client: str, method: str, path: bytes) -> bytes:
        """Return a header's value that tells who asked for what."""
        said = f"{client};{int(self._now())}"
        return f"{said};{self._seal(said, method, path)}".encode("ascii", "replace")

    def read(self, value: bytes, method: str, path: bytes) -> str | None:
        """Return who asked; None for what no framework of ours has said of this, or long ago."""
        said, _, seal = value.decode("latin-1").rpartition(";")
        if not hmac.compare_digest(seal.encode(), self._seal(said, method, path).encode()):
            return None
        client, _, time = said.rpartition(";")
        return client if abs(self._now() - int(time)) <= VALID_S else None

    def _seal(self, said: str, method: str, path: bytes) -> str:
        # No part but the last can have a line end in it: none can pass for two others.
        content = f"{said}\n{method}\n".encode() + path
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()
