"""The secrets that an app shares with its forge. Pure."""

import base64
import binascii
import re

BYTES = 32
SHORTEST, LONGEST = 16, 512
"""In characters, for a secret that the forge has made."""
_PREFIX = "whsec_"
_PRINTABLE = re.compile(r"[!-~]*")


def form(random: bytes) -> str:
    """Return a secret as Standard Webhooks writes it. Every other forge takes the same text."""
    return _PREFIX + base64.b64encode(random).decode()


def read_key(secret: str) -> bytes:
    """Return the key of Standard Webhooks; a secret in another form is its own key."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def find_problem(secret: str) -> str | None:
    """Return why a text cannot be a secret, or None."""
    if not SHORTEST <= len(secret) <= LONGEST:
        return f"must have {SHORTEST} to {LONGEST} characters; it has {len(secret)}"
    if not _PRINTABLE.fullmatch(secret):
        return "may have only letters, digits and signs of ASCII, and no spaces"
    return None
