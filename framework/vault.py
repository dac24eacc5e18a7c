"""Seals secrets, so that readers of ZooKeeper cannot read them. The only module with encryption.

It uses Fernet: AES-128-CBC with an HMAC-SHA256 over it, so a changed text does not open. What a
pass phrase seals uses ChaCha20-Poly1305 (RFC 8439), under a key by scrypt (RFC 7914).
"""

import hashlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from framework.errors import NoKey, WrongKey

SALT_BYTES, _NONCE = 32, bytes(12)
"""Each salt makes a key that seals one thing, so its nonce may be the same."""


class Keyring:
    """framework.ports.Vault with the keys of program.settings.keys; there may be none."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [Fernet(key) for key in keys]
        self._all = MultiFernet(self._keys) if self._keys else None

    def seal(self, data: bytes) -> str:
        """Return `data` sealed by the first key."""
        if self._all is None:
            raise NoKey
        return self._all.encrypt(data).decode()

    def open(self, sealed: str) -> bytes:
        """Return the content of a sealed text. Raises WrongKey."""
        if self._all is None:
            raise WrongKey("this framework has no PREVS_KEY_FILE.")
        try:
            return self._all.decrypt(sealed)
        except (InvalidToken, ValueError):
            raise WrongKey("no key in the file PREVS_KEY_FILE sealed them.") from None

    def is_sealed_by_first(self, sealed: str) -> bool:
        """Return whether the first key opens a sealed text."""
        if not self._keys:
            return False
        try:
            self._keys[0].decrypt(sealed)
        except (InvalidToken, ValueError):
            return False
        return True


def seal_by_phrase(phrase: str, data: bytes, *, salt: bytes, header: bytes) -> bytes:
    """Return `data` sealed by a pass phrase; `salt` is random. Takes a second and 128 MB.

    It opens only with the same `header`, which is not in it.
    """
    return ChaCha20Poly1305(_derive(phrase, salt)).encrypt(_NONCE, data, header)


def open_by_phrase(phrase: str, sealed: bytes, *, salt: bytes, header: bytes) -> bytes | None:
    """Return what was sealed; None for another phrase, or if a byte was changed."""
    try:
        return ChaCha20Poly1305(_derive(phrase, salt)).decrypt(_NONCE, sealed, header)
    except InvalidTag:
        return None


def _derive(phrase: str, salt: bytes) -> bytes:
    memory = 256 * 1024 * 1024
    return hashlib.scrypt(phrase.encode(), salt=salt, n=2**17, r=8, p=1, dklen=32, maxmem=memory)
