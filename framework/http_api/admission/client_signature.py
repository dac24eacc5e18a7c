"""A stand-by signs the client's address for the leader, so that nobody else can forge one.

All frameworks of one installation have the operator's token, and whoever has that may do everything
anyway. A key derived from it signs the address for one method, one path and a short time.
"""

import hashlib
import hmac
from collections.abc import Callable

VALID_S = 300.0
"""How far the clocks of two frameworks may be apart."""

_PURPOSE = b"prevs: who asked a stand-by"


class ClientSignature:
    """Signs and verifies addresses. `token` is the operator's, `now` in seconds since the epoch."""

    def __init__(self, token: str, now: Callable[[], float]) -> None:
        self._key = hmac.digest(token.encode(), _PURPOSE, "sha256")
        self._now = now

    def sign(self, client: str, method: str, path: bytes) -> bytes:
        """Return a header's value with the signed address of a request's client."""
        payload = f"{client};{int(self._now())}"
        return f"{payload};{self._mac(payload, method, path)}".encode("ascii", "replace")

    def verify(self, value: bytes, method: str, path: bytes) -> str | None:
        """Return the client's address; None if the signature is wrong, or too old."""
        payload, _, mac = value.decode("latin-1").rpartition(";")
        if not hmac.compare_digest(mac.encode(), self._mac(payload, method, path).encode()):
            return None
        client, _, time = payload.rpartition(";")
        return client if abs(self._now() - int(time)) <= VALID_S else None

    def _mac(self, payload: str, method: str, path: bytes) -> str:
        # Only the last part can have a line end in it, so no other parts give the same content.
        content = f"{payload}\n{method}\n".encode() + path
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()
