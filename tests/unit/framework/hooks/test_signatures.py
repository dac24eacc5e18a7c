"""Deliveries of every forge, with vectors that forges and Standard Webhooks have published."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

import pytest

from framework.forges.registry import SCHEMES
from framework.hooks import secret
from framework.hooks.deliveries import MOST, Deliveries
from framework.hooks.signatures import UNKNOWN, Delivery, Verdict, judge, signed
from prevs.hooks import AUTHORIZATION, is_passed_on

SECRET = secret.form(bytes(range(32)))
FORMER = secret.form(bytes(32))
DECOYS = (secret.form(b"1" * 32), secret.form(b"2" * 32))
BODY = b'{"ref": "refs/heads/main"}\n'
NOW = 1_700_000_000.0


def sign(body: bytes = BODY, key: str = SECRET) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def sign_standard(at: float = NOW, key: str = SECRET, body: bytes = BODY) -> Mapping[str, str]:
    raw = base64.b64decode(key.removeprefix("whsec_"))
    signed = hmac.new(raw, f"msg_1.{int(at)}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at)),
        "webhook-signature": f"v1,bm90IHRoaXM= v1,{base64.b64encode(signed).decode()}",
    }


def find(
    headers: Mapping[str, str], body: bytes = BODY, *, known: tuple[str, ...] = (SECRET,)
) -> Verdict:
    return judge(Delivery(headers, body), SCHEMES, secrets=known, decoys=DECOYS, now=NOW)


def deliveries(key: str) -> dict[str, Mapping[str, str]]:
    """Return a delivery of each forge, signed by a secret."""
    digest = sign(key=key)
    github = {"x-hub-signature-256": f"sha256={digest}", "x-github-delivery": "72d3162e"}
    gitea = {**github, "x-gitea-signature": digest, "x-gitea-delivery": "f6266f16"}
    return {
        "github": github,
        "gitea": {**gitea, "x-gogs-signature": digest, "x-gogs-delivery": "f6266f16"},
        "forgejo": {**gitea, "x-forgejo-signature": digest, "x-forgejo-delivery": "f6266f16"},
        "gogs": {"x-gogs-signature": digest, "x-gogs-delivery": "f6266f16"},
        "pagure": {"x-pagure-signature-256": digest},
        "gitlab": {"x-gitlab-token": key, "x-gitlab-event-uuid": "13792a34"},
        "bitbucket": {
            "x-hub-signature": f"sha256={digest}",
            "x-request-uuid": "5b2c8c1e-3f0c-4d8e-9a5e-1c0b8a7e2f11",
        },
        "standard-webhooks": sign_standard(key=key),
        "basic": {AUTHORIZATION: "Basic " + base64.b64encode(f":{key}".encode()).decode()},
        "bearer": {AUTHORIZATION: f"bearer {key}"},
    }


FORGES = [scheme.forge for scheme in SCHEMES]
UNSIGNED = ("gitlab", "basic", "bearer")


@pytest.mark.parametrize("forge", FORGES)
def test_a_delivery_is_verified_by_the_secret_and_the_former_one_and_by_no_other(
    forge: str,
) -> None:
    own = deliveries(SECRET)[forge]
    assert find(own)[:2] == (forge, True)
    assert find(own, known=(FORMER, SECRET))[:2] == (forge, True)
    assert find(own, known=(FORMER,)) == (forge, False, "")
    assert find(own, known=()) == (forge, False, "")
    for decoy in DECOYS:
        assert find(deliveries(decoy)[forge], known=()) == (forge, False, "")


@pytest.mark.parametrize("forge", [one for one in FORGES if one not in UNSIGNED])
def test_a_signature_covers_the_whole_body(forge: str) -> None:
    headers = deliveries(SECRET)[forge]
    for body in (BODY[:-1], BODY + b" ", b""):
        assert not find(headers, body).is_authentic


@pytest.mark.parametrize("forge", FORGES)
def test_a_cut_or_empty_proof_is_none(forge: str) -> None:
    headers = deliveries(SECRET)[forge]
    for cut in (slice(0, -1), slice(1, None), slice(0, 0)):
        assert not find({name: value[cut] for name, value in headers.items()}).is_authentic


@pytest.mark.parametrize("forge", FORGES)
def test_every_header_that_a_proof_needs_is_passed_on(forge: str) -> None:
    headers = deliveries(SECRET)[forge]
    assert all(is_passed_on(name) or name == AUTHORIZATION for name in headers)


@pytest.mark.parametrize(
    "header", ["cookie", "authorization", "x-prevs-token", "x-hub-signature-1", "x-forwarded-for"]
)
def test_a_header_that_proxies_keep_for_themselves_is_no_way(header: str) -> None:
    assert not is_passed_on(header)
    with pytest.raises(ValueError, match=header):
        signed("new", header)


def test_githubs_published_delivery_is_authentic() -> None:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries."""
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": f"sha256={digest}"}
    known = ("It's a Secret to Everybody",)
    assert find(headers, b"Hello, World!", known=known) == ("github", True, "")


def test_bitbuckets_published_delivery_is_authentic() -> None:
    """https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/, Secure webhooks."""
    digest = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    headers = {"x-hub-signature": f"sha256={digest}"}
    known = ("It's a Secret to Everybody",)
    assert find(headers, b"Hello World!", known=known) == ("bitbucket", True, "")


def test_githubs_digest_of_sha_1_proves_nothing() -> None:
    digest = hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
    for prefix in ("sha1=", "sha256=", ""):
        assert not find({"x-hub-signature": prefix + digest}).is_authentic


@pytest.mark.parametrize("name", ["", "azure", "Ærø"])
def test_a_password_counts_with_any_name(name: str) -> None:
    sent = base64.b64encode(f"{name}:{SECRET}".encode()).decode()
    assert find({AUTHORIZATION: f"basic {sent}"}) == ("basic", True, "")
    for bad in (f"basic {SECRET}", "basic", "basic \xff", f"basic {sent[:-3]}", f"bearer {sent}"):
        assert not find({AUTHORIZATION: bad}).is_authentic


def test_the_published_delivery_of_standard_webhooks_is_authentic() -> None:
    """The example of its specification and libraries (standard-webhooks/standard-webhooks)."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    delivery = Delivery(headers, b'{"test": 2432232314}')
    known = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)
    found = judge(delivery, SCHEMES, secrets=known, decoys=DECOYS, now=1614265330.0)
    assert found == ("standard-webhooks", True, "msg_p5jXN8AQM9LWM0D4loKWxJek")


@pytest.mark.parametrize(("off", "is_authentic"), [(299, True), (301, False)])
def test_a_time_may_be_five_minutes_off(off: float, *, is_authentic: bool) -> None:
    for sign_of in (1, -1):
        assert find(sign_standard(NOW + sign_of * off)).is_authentic == is_authentic


@pytest.mark.parametrize("sent", ["", "x", "-1", "1e9", "9" * 400, "²"])
def test_a_time_that_is_none_proves_nothing(sent: str) -> None:
    assert not find({**sign_standard(), "webhook-timestamp": sent}).is_authentic


def test_what_a_delivery_claims_to_be_decides_nothing() -> None:
    headers = {"x-gitea-signature": "forged", "x-gitlab-token": SECRET}
    assert find(headers) == ("gitlab", True, "")
    assert find({"x-gitlab-token": "Ærø", "x-hub-signature-256": "\xff"})[:2] == (
        "gitlab",
        False,
    )
    assert find({}) == (UNKNOWN, False, "")


@pytest.mark.parametrize(
    ("text", "is_good"),
    [(SECRET, True), ("x" * 16, True), ("x" * 15, False), ("x" * 513, False), ("a b" * 9, False)],
)
def test_a_secret_of_a_forge_has_a_size_and_no_spaces(text: str, *, is_good: bool) -> None:
    assert (secret.find_problem(text) is None) == is_good


def test_a_delivery_is_repeated_while_its_id_is_remembered() -> None:
    seen = Deliveries()
    assert [seen.is_repeated("one", "a") for _ in range(2)] == [False, True]
    assert not seen.is_repeated("two", "a")
    assert [seen.is_repeated("one", "") for _ in range(2)] == [False, False]
    for number in range(MOST):
        seen.is_repeated("one", str(number))
    assert not seen.is_repeated("one", "a")
