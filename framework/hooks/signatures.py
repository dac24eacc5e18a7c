"""Whether a delivery proves that its sender knows a secret, in one of the forges' schemes. Pure.

Nothing of a body is parsed. Every delivery costs the same, for an app with secrets, without, or
for none: both secrets are tried in every way for which there is a header, in constant time.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from framework.hooks import standard_webhooks
from prevs import hooks
from prevs.hooks import AUTHORIZATION

CLOCKS_DIFFER = 300.0
"""Seconds by which the time of a delivery of Standard Webhooks may differ from ours."""


UNKNOWN = "unknown"
"""Whose a delivery is that has no proof of any known scheme."""


class Delivery(NamedTuple):
    """What a forge has sent; the names of the headers are in small letters."""

    headers: Mapping[str, str]
    body: bytes


class Verdict(NamedTuple):
    """`forge` is who signed it; of a forged one, who it claims to be. `id` is "" if it has none."""

    forge: str
    is_authentic: bool
    id: str = ""


class _Key(NamedTuple):
    """A secret, whether it is one of the app, and the digest of the body with it."""

    secret: str
    is_own: bool
    digest: str


_Proofs = Callable[[Delivery, _Key, float], Iterable[tuple[str, str]]]


class Scheme(NamedTuple):
    """A scheme that proves a delivery, and `forge`, the name of whose it is.

    `is_tried` returns whether a delivery has it. `find_proofs` returns pairs of what the delivery
    has and what it needs to have: one equal pair is a proof. `id` is the header that tells its
    deliveries apart, "" for none.
    """

    forge: str
    is_tried: Callable[[Delivery], bool]
    find_proofs: _Proofs
    id: str = ""


def signed(forge: str, header: str, prefix: str = "", *, id_header: str = "") -> Scheme:
    """Return the scheme of a header with the HMAC-SHA256 of the body, in hex digits."""
    return Scheme(
        forge,
        _has(header),
        lambda delivery, key, _: [(delivery.headers[header], prefix + key.digest)],
        _check(id_header),
    )


def secret_in(forge: str, header: str, *, id_header: str = "") -> Scheme:
    """Return the scheme of a header with the secret itself."""
    return Scheme(
        forge,
        _has(header),
        lambda delivery, key, _: [(delivery.headers[header], key.secret)],
        _check(id_header),
    )


def _bearer(delivery: Delivery, key: _Key, _: float) -> Iterable[tuple[str, str]]:
    return [(_read_credentials(delivery), key.secret)]


def _basic(delivery: Delivery, key: _Key, _: float) -> Iterable[tuple[str, str]]:
    """Return the proof by a password, with any name."""
    try:
        text = base64.b64decode(_read_credentials(delivery), validate=True).decode()
    except (binascii.Error, ValueError):
        return []
    return [(text.partition(":")[2], key.secret)]


def _read_credentials(delivery: Delivery) -> str:
    return delivery.headers[AUTHORIZATION].partition(" ")[2].strip()


def _has(header: str) -> Callable[[Delivery], bool]:
    _check(header)
    return lambda delivery: header in delivery.headers


def _check(header: str) -> str:
    """Return the name of a header. Raises ValueError if no proxy passes it on."""
    if header and not hooks.is_passed_on(header):
        raise ValueError(f"proxies do not pass the header {header} on (prevs/hooks.py)")
    return header


def _has_scheme(name: str) -> Callable[[Delivery], bool]:
    """Return whether a delivery has a scheme of Authorization, as RFC 9110, 11.1 compares it."""
    return lambda delivery: (
        delivery.headers.get(AUTHORIZATION, "").partition(" ")[0].lower() == name
    )


def _standard(delivery: Delivery, key: _Key, now: float) -> Iterable[tuple[str, str]]:
    """Return the proofs by Standard Webhooks: several signatures, of an id, a time and the body."""
    sent = delivery.headers.get("webhook-timestamp", "")
    sender_id = delivery.headers.get("webhook-id", "")
    needed = standard_webhooks.sign(key.secret, sender_id, sent, delivery.body)
    if not (sent.isascii() and sent.isdecimal() and len(sent) < 16):
        return []
    if abs(now - int(sent)) > CLOCKS_DIFFER:
        return []
    return [(one, needed) for one in delivery.headers["webhook-signature"].split()]


STANDARD = Scheme("standard-webhooks", _has("webhook-signature"), _standard, "webhook-id")
BASIC = Scheme("basic", _has_scheme("basic"), _basic)
BEARER = Scheme("bearer", _has_scheme("bearer"), _bearer)
_LONGEST_ID = 200


def judge(
    delivery: Delivery,
    schemes: Sequence[Scheme],
    *,
    secrets: Sequence[str],
    decoys: Sequence[str],
    now: float,
) -> Verdict:
    """Return whether one of `secrets` proves a delivery; `now` is in seconds since the epoch.

    The first of `schemes` that proves the delivery also names it. `decoys` are as many secrets as
    an app may have, known to nobody: they stand in for secrets that the app does not have.
    """
    keys = [
        *(_make_key(one, delivery.body, is_own=True) for one in secrets),
        *(_make_key(one, delivery.body, is_own=False) for one in decoys[len(secrets) :]),
    ]
    claimed, proved = UNKNOWN, UNKNOWN
    for scheme in schemes:
        if not scheme.is_tried(delivery):
            continue
        claimed = scheme.forge if claimed == UNKNOWN else claimed
        matches = [
            _is_equal(given, needed) and key.is_own
            for key in keys
            for given, needed in scheme.find_proofs(delivery, key, now)
        ]
        proved = scheme.forge if any(matches) and proved == UNKNOWN else proved
    if proved == UNKNOWN:
        return Verdict(claimed, is_authentic=False)
    return Verdict(proved, is_authentic=True, id=_find_id(delivery, schemes))


def _make_key(one: str, body: bytes, *, is_own: bool) -> _Key:
    return _Key(one, is_own, hmac.digest(one.encode(), body, "sha256").hex())


def _is_equal(given: str, needed: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), needed.encode())


def _find_id(delivery: Delivery, schemes: Sequence[Scheme]) -> str:
    found = (delivery.headers.get(scheme.id) for scheme in schemes)
    return next((one for one in found if one), "")[:_LONGEST_ID]
