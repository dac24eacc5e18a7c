"""What can be read from a private key for ssh without its passphrase. Pure.

OpenSSH's own format has the public key in the clear before the private one (see PROTOCOL.key in
OpenSSH's source).
"""

import base64
import binascii
import hashlib
import re

_BEGINS = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_OPENSSH = re.compile(
    r"-----BEGIN OPENSSH PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----"
)
_MAGIC = b"openssh-key-v1\0"
_LOCKED = ("ENCRYPTED", "Proc-Type: 4,ENCRYPTED")


def find_problem(key: str) -> str | None:
    """Return why ssh cannot use a text as a key by itself; None if it can. Accepts any text."""
    if not _BEGINS.match(key.lstrip()):
        return "is not a private key: it must begin with -----BEGIN … PRIVATE KEY-----"
    parts = _read_parts(key)
    if any(mark in key for mark in _LOCKED) or (parts and parts[0] != b"none"):
        return "is locked with a passphrase, and nobody is there to type it"
    return None


def fingerprint(key: str) -> str | None:
    """Return the SHA-256 fingerprint of the public key as `ssh-keygen -l` shows it.

    None for a text that is no key in OpenSSH's own format.
    """
    parts = _read_parts(key)
    if parts is None:
        return None
    digest = base64.b64encode(hashlib.sha256(parts[4]).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def _read_parts(key: str) -> list[bytes] | None:
    """Return cipher, kdf, its options, the number of keys, and the first public key."""
    found = _OPENSSH.search(key)
    if found is None:
        return None
    try:
        data = base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error:
        return None
    if not data.startswith(_MAGIC):
        return None
    rest = data[len(_MAGIC) :]
    parts: list[bytes] = []
    while len(parts) < 5:
        # The number of keys is not a string; it has four bytes, like the length of a string.
        size = 4 if len(parts) == 3 else int.from_bytes(rest[:4], "big")
        rest = rest if len(parts) == 3 else rest[4:]
        if len(rest) < size or not rest:
            return None
        parts.append(rest[:size])
        rest = rest[size:]
    return parts
