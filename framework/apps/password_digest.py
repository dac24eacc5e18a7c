"""The password of an app's visitors, as scrypt (RFC 7914). Pure; takes a third of a second."""

import dataclasses
import hashlib
import hmac

from framework.errors import InvalidSettings, Problem

SHORTEST, LONGEST = 8, 200
"""Characters of a password."""
SALT_BYTES = 16
_LENGTH = 32


@dataclasses.dataclass(frozen=True)
class PasswordDigest:
    """What is stored of a password; `salt` and `digest` are hex digits.

    The cost is OWASP's for 16 MB of memory ("Password Storage Cheat Sheet"). It is stored, so that
    it may grow.
    """

    salt: str
    digest: str = dataclasses.field(repr=False)
    n: int = 2**14
    r: int = 8
    p: int = 5


NOBODYS = PasswordDigest("00" * SALT_BYTES, "00" * _LENGTH)
"""The digest of no password that anybody knows: to check against it takes as long as any other."""


def digest_password(password: str, salt: str) -> PasswordDigest:
    """Return the digest of a new password; `salt` is 128 random bits as hex digits."""
    if not SHORTEST <= len(password) <= LONGEST:
        wrong = f"must have {SHORTEST} to {LONGEST} characters; it has {len(password)}"
        raise InvalidSettings([Problem("password", wrong)])
    return _compute(password, PasswordDigest(salt, ""))


def is_right(password: str, known: PasswordDigest) -> bool:
    """Return whether `known` is the digest of a password. Accepts any text."""
    return hmac.compare_digest(_compute(password, known).digest, known.digest)


def _compute(password: str, cost: PasswordDigest) -> PasswordDigest:
    digest = hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=bytes.fromhex(cost.salt),
        n=cost.n,
        r=cost.r,
        p=cost.p,
        # OpenSSL needs a little more than the 128 * n * r bytes of the algorithm.
        maxmem=132 * cost.n * cost.r + 1024 * cost.p * cost.r,
        dklen=_LENGTH,
    )
    return dataclasses.replace(cost, digest=digest.hex())
