"""gRPC through the proxy, without TLS and with: a call, streams both ways, a call that is held."""

import itertools
from collections.abc import Callable, Iterator, Mapping

import grpc
import pytest

from tests.fakes.access import make_pass
from tests.fakes.placements import SHA, placement
from tests.free_ports import free_port
from tests.integration.haproxy import guarding, tls
from tests.integration.haproxy.greeting import Stub, greeter
from tests.integration.haproxy.proxies import Site
from tests.waits import wait_until

pytestmark = pytest.mark.integration

HOST = "main.hello.localhost"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> tls.Door:
    return tls.door(tmp_path_factory.mktemp("door"), free_port(), HOST)


@pytest.fixture(scope="module")
def more_settings(door: tls.Door) -> Mapping[str, str]:
    return door.settings()


@pytest.fixture(params=["plain", "TLS"])
def channel(site: Site, door: tls.Door, request: pytest.FixtureRequest) -> Iterator[grpc.Channel]:
    options = [("grpc.default_authority", HOST), ("grpc.ssl_target_name_override", HOST)]
    if request.param == "TLS":
        trusted = grpc.ssl_channel_credentials(door.authority.cert_pem.bytes())
        opening = grpc.secure_channel(f"127.0.0.1:{door.port}", trusted, options)
    else:
        opening = grpc.insecure_channel(f"127.0.0.1:{site.proxy.port}", options)
    with opening as opened:
        yield opened


def test_a_call_and_its_trailers_go_through(site: Site, channel: grpc.Channel) -> None:
    with greeter() as port:
        site.route("hello", {SHA: placement("hello", SHA, port, "main")})
        answer, call = Stub(channel).greet.with_call(b"you", timeout=60)
        assert answer == b"hello you"
        assert dict(call.trailing_metadata())["x-after"] == "all"


def test_a_stream_goes_both_ways_at_once(site: Site, channel: grpc.Channel) -> None:
    with greeter() as port:
        site.route("hello", {SHA: placement("hello", SHA, port, "main")})
        received: list[bytes] = []

        def send() -> Iterator[bytes]:
            for word in (b"1", b"2", b"3"):
                before = len(received)
                yield word
                wait_until(lambda before=before: len(received) > before)  # type: ignore[misc]

        for answer in Stub(channel).echo(send(), timeout=60):
            received.append(answer)
        assert received == [b"echo 1", b"echo 2", b"echo 3"]


def test_a_call_is_held_until_its_preview_answers(site: Site, channel: grpc.Channel) -> None:
    site.world.add("hello", "main", SHA)
    with greeter() as port:
        site.world.started = lambda _: site.run("hello", SHA, port, "main")
        assert Stub(channel).greet(b"you", timeout=60) == b"hello you"
        assert site.world.count("POST /v1/previews") == 1


_attempts = itertools.count()


def test_calls_that_were_refused_are_held_and_sent_to_the_next_attempt(
    site: Site, channel: grpc.Channel
) -> None:
    site.world.add("hello", "main", SHA)
    site.world.start("hello", "main")
    site.world.move("hello", SHA, "running")

    def place(port: int) -> None:
        placed = placement("hello", SHA, port, "main", attempt=f"next{next(_attempts)}")
        site.route("hello", {SHA: placed})

    place(free_port())
    stub = Stub(channel)
    called = stub.greet.future(b"you", timeout=60)
    streamed = stub.echo(iter([b"1", b"2"]), timeout=60)
    wait_until(lambda: site.world.refused)
    with greeter() as port:
        place(port)
        assert called.result() == b"hello you"
        assert dict(called.trailing_metadata())["x-after"] == "all"
        assert list(streamed) == [b"echo 1", b"echo 2"]


def test_a_call_to_a_guarded_app_needs_a_pass(site: Site, channel: grpc.Channel) -> None:
    with greeter() as port:
        site.route("hello", {SHA: placement("hello", SHA, port, "main")})
        guarding.guard(site, "hello")
        try:
            with pytest.raises(grpc.RpcError) as refused:
                Stub(channel).greet(b"you", timeout=60)
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
            sent = (("x-prevs-access", make_pass("hello", HOST)),)
            assert Stub(channel).greet(b"you", timeout=60, metadata=sent) == b"hello you"
        finally:
            guarding.open_all(site)


def test_a_call_to_an_unknown_preview_has_a_status_of_its_own(site: Site) -> None:
    address = f"127.0.0.1:{site.proxy.port}"
    options = [("grpc.default_authority", "main.nobody.localhost")]
    with grpc.insecure_channel(address, options) as opened, pytest.raises(grpc.RpcError) as refused:
        Stub(opened).greet(b"you", timeout=60)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert "nobody" in (refused.value.details() or "")


def test_a_call_to_a_preview_that_fails_to_start_says_why(
    site: Site, channel: grpc.Channel
) -> None:
    why = "It printed 100 % naïve \u201cerrors\u201d\nand ended."
    site.world.add("hello", "main", SHA)

    def fail(_: object) -> None:
        site.world.fail("hello", SHA, cause="app-exited", message=why, exit_code=1)

    site.world.started = fail
    with pytest.raises(grpc.RpcError) as refused:
        Stub(channel).greet(b"you", timeout=60)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert why in (refused.value.details() or "")
