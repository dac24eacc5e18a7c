"""Seals secrets, so that readers of ZooKeeper cannot read them. The only module with encryption.

It uses Fernet: AES-128-CBC with an HMAC-SHA256 over it, so a changed text does not open.
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from framework.errors import NoKey, WrongKey


class Keyring:
    """framework.ports.Vault with the keys of program.settings.keys; there may be none."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [Fernet(key) for key in keys]
        self._all = MultiFernet(self._keys) if self._keys else None

    def seal(self, data: bytes) -> str:
        """Return `data` sealed by the first key. Raises NoKey."""
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
