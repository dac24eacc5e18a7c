import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from framework.http_api.admission.client_signature import VALID_S, ClientSignature
from framework.http_api.admission.clients import FORWARDED, Client, ClientAddress
from tests.fakes.asgi import send_raw

NOW = 1_000_000.0
PATH = b"/v1/apps/hello"
OURS = ClientSignature("the operator's", lambda: NOW)
SIGNED = OURS.sign("10.1.2.3", "DELETE", PATH)


def later(seconds: float) -> ClientSignature:
    return ClientSignature("the operator's", lambda: NOW + seconds)


def test_a_signature_with_the_operators_token_is_valid() -> None:
    assert OURS.verify(SIGNED, "DELETE", PATH) == "10.1.2.3"
    address = "fe80::1%eth0"
    assert OURS.verify(OURS.sign(address, "GET", b"/"), "GET", b"/") == address


@pytest.mark.parametrize("seconds", [-VALID_S, VALID_S])
def test_clocks_may_be_apart(seconds: float) -> None:
    assert later(seconds).verify(SIGNED, "DELETE", PATH) == "10.1.2.3"


@pytest.mark.parametrize(
    ("reader", "method", "path"),
    [
        (ClientSignature("another one", lambda: NOW), "DELETE", PATH),
        (OURS, "GET", PATH),
        (OURS, "DELETE", b"/v1/apps/other"),
        (OURS, "DELETE\n", PATH[1:]),
        (later(VALID_S + 1), "DELETE", PATH),
        (later(-VALID_S - 1), "DELETE", PATH),
    ],
)
def test_a_signature_for_another_request_is_invalid(
    reader: ClientSignature, method: str, path: bytes
) -> None:
    assert reader.verify(SIGNED, method, path) is None


@pytest.mark.parametrize(
    "value",
    [b"1", b"", b";", b";;", b"10.1.2.3;1000000;", SIGNED[:-1], SIGNED + b"0", b"9" + SIGNED],
)
def test_a_malformed_signature_is_invalid(value: bytes) -> None:
    assert OURS.verify(value, "DELETE", PATH) is None


@given(st.binary())
def test_no_bytes_break_the_parser(value: bytes) -> None:
    assert OURS.verify(value, "DELETE", PATH) is None


@pytest.mark.parametrize(
    ("headers", "neighbour", "shown"),
    [
        ([], ("10.0.0.1", 5), "10.0.0.1"),
        ([], None, "unknown"),
        ([(FORWARDED, SIGNED)], ("10.0.0.1", 5), "10.1.2.3 via 10.0.0.1"),
        ([(FORWARDED, b"1")], ("10.0.0.1", 5), "unknown via 10.0.0.1"),
        ([(FORWARDED, b"9.9.9.9;1000000;ff")], ("10.0.0.1", 5), "unknown via 10.0.0.1"),
        ([(b"x-forwarded-for", b"9.9.9.9")], ("10.0.0.1", 5), "10.0.0.1"),
    ],
)
def test_a_request_has_its_client(
    headers: list[tuple[bytes, bytes]], neighbour: tuple[str, int] | None, shown: str
) -> None:
    found: list[Client] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope["state"]["client"])

    send_raw(
        ClientAddress(note, OURS), method="DELETE", path=PATH, headers=headers, client=neighbour
    )
    assert [str(client) for client in found] == [shown]
