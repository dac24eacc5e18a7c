"""Whether a delivery proves that its sender knows a secret: one way for each forge. Pure.

Nothing of a body is parsed. Every delivery costs the same, for an app with secrets, without, or
for none: both secrets are tried in every way for which there is a header, in constant time.
"""

import base64
import binascii
import enum
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from framework.hooks import standard_webhooks
from prevs.hooks import AUTHORIZATION

CLOCKS_DIFFER = 300.0
"""Seconds by which the time of a delivery of Standard Webhooks may differ from ours."""


class Forge(enum.StrEnum):
    """Whose way of signing a delivery has."""

    FORGEJO = "forgejo"
    GITEA = "gitea"
    GOGS = "gogs"
    PAGURE = "pagure"
    STANDARD = "standard-webhooks"
    GITLAB = "gitlab"
    GITHUB = "github"
    BITBUCKET = "bitbucket"
    BASIC = "basic"
    BEARER = "bearer"
    UNKNOWN = "unknown"


class Delivery(NamedTuple):
    """What a forge has sent; the names of the headers are in small letters."""

    headers: Mapping[str, str]
    body: bytes


class Verdict(NamedTuple):
    """`forge` is who signed it; of a forged one, who it claims to be. `id` is "" if it has none."""

    forge: Forge
    is_authentic: bool
    id: str = ""


class _Key(NamedTuple):
    """A secret, whether it is one of the app, and the digest of the body with it."""

    secret: str
    is_own: bool
    digest: str


_Proofs = Callable[[Delivery, _Key, float], Iterable[tuple[str, str]]]
"""Returns pairs of what a delivery has and what it needs to have: one equal pair is a proof."""
_Way = tuple[Forge, Callable[[Delivery], bool], _Proofs]
"""Whose way it is, whether a delivery has it, and its proofs."""


def _gitlab(delivery: Delivery, key: _Key, _: float) -> Iterable[tuple[str, str]]:
    return [(delivery.headers["x-gitlab-token"], key.secret)]


def _bearer(delivery: Delivery, key: _Key, _: float) -> Iterable[tuple[str, str]]:
    return [(_read_credentials(delivery), key.secret)]


def _basic(delivery: Delivery, key: _Key, _: float) -> Iterable[tuple[str, str]]:
    """Return the proof by a password, with any name: the one way that Azure DevOps has."""
    try:
        text = base64.b64decode(_read_credentials(delivery), validate=True).decode()
    except (binascii.Error, ValueError):
        return []
    return [(text.partition(":")[2], key.secret)]


def _read_credentials(delivery: Delivery) -> str:
    return delivery.headers[AUTHORIZATION].partition(" ")[2].strip()


def _has(name: str) -> Callable[[Delivery], bool]:
    return lambda delivery: name in delivery.headers


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


def _signed(forge: Forge, header: str, prefix: str = "") -> _Way:
    """Return the way of a header with the HMAC-SHA256 of the body, in hex digits."""
    return (
        forge,
        _has(header),
        lambda delivery, key, _: [(delivery.headers[header], prefix + key.digest)],
    )


# Gitea and Forgejo send GitHub's headers too, and Forgejo Gitea's: the first that fits names it.
# In Bitbucket's header GitHub has a digest of SHA-1.
_WAYS: Sequence[_Way] = (
    _signed(Forge.FORGEJO, "x-forgejo-signature"),
    _signed(Forge.GITEA, "x-gitea-signature"),
    _signed(Forge.GOGS, "x-gogs-signature"),
    _signed(Forge.PAGURE, "x-pagure-signature-256"),
    (Forge.STANDARD, _has("webhook-signature"), _standard),
    (Forge.GITLAB, _has("x-gitlab-token"), _gitlab),
    _signed(Forge.GITHUB, "x-hub-signature-256", "sha256="),
    _signed(Forge.BITBUCKET, "x-hub-signature", "sha256="),
    (Forge.BASIC, _has_scheme("basic"), _basic),
    (Forge.BEARER, _has_scheme("bearer"), _bearer),
)
_IDS = (
    "x-forgejo-delivery",
    "x-gitea-delivery",
    "x-gogs-delivery",
    "webhook-id",
    "x-gitlab-event-uuid",
    "x-github-delivery",
    "x-request-uuid",
    # Pagure's id is in the body, and so its signature is as unique.
    "x-pagure-signature-256",
)
_LONGEST_ID = 200


def judge(delivery: Delivery, secrets: Sequence[str], decoys: Sequence[str], now: float) -> Verdict:
    """Return whether one of `secrets` proves a delivery; `now` is in seconds since the epoch.

    `decoys` are as many secrets as an app may have, and nobody knows them: they take the place of
    those that it does not have.
    """
    keys = [
        *(_make_key(one, delivery.body, is_own=True) for one in secrets),
        *(_make_key(one, delivery.body, is_own=False) for one in decoys[len(secrets) :]),
    ]
    claimed, proved = Forge.UNKNOWN, Forge.UNKNOWN
    for forge, is_tried, find_proofs in _WAYS:
        if not is_tried(delivery):
            continue
        claimed = forge if claimed is Forge.UNKNOWN else claimed
        matches = [
            _is_equal(given, needed) and key.is_own
            for key in keys
            for given, needed in find_proofs(delivery, key, now)
        ]
        proved = forge if any(matches) and proved is Forge.UNKNOWN else proved
    if proved is Forge.UNKNOWN:
        return Verdict(claimed, is_authentic=False)
    return Verdict(proved, is_authentic=True, id=_find_id(delivery))


def _make_key(one: str, body: bytes, *, is_own: bool) -> _Key:
    return _Key(one, is_own, hmac.digest(one.encode(), body, "sha256").hex())


def _is_equal(given: str, needed: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), needed.encode())


def _find_id(delivery: Delivery) -> str:
    found = next((delivery.headers[name] for name in _IDS if delivery.headers.get(name)), "")
    return found[:_LONGEST_ID]
