"""What goes through a gate: HTTP/2, gRPC, WebSockets, and paths and hosts in odd forms."""

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping

import grpc
import pytest

from prevs.gates import Condition, ConditionKind
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.fakes.signed_gates import lead
from tests.integration.haproxy import gates, tls
from tests.integration.haproxy.gates import HOST, label_of
from tests.integration.haproxy.greeting import Stub, greeter
from tests.integration.haproxy.proxies import Site
from tests.integration.haproxy.wire import upgrade

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CUSTOM = "api.example.org"
VERSION = Condition(ConditionKind.HEADER, "1", "x-version")


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> tls.Door:
    return tls.door(tmp_path_factory.mktemp("door"), free_port(), CUSTOM)


@pytest.fixture(scope="module")
def more_settings(door: tls.Door) -> Mapping[str, str]:
    return door.settings()


@contextlib.contextmanager
def calling(site: Site, door: tls.Door, *, by_tls: bool) -> Iterator[Stub]:
    """Call by HTTP/2: at the gate's own host, or by TLS at its custom one."""
    host = CUSTOM if by_tls else HOST
    options = [("grpc.default_authority", host), ("grpc.ssl_target_name_override", host)]
    if by_tls:
        trusted = grpc.ssl_channel_credentials(door.authority.cert_pem.bytes())
        opening = grpc.secure_channel(f"127.0.0.1:{door.port}", trusted, options)
    else:
        opening = grpc.insecure_channel(f"127.0.0.1:{site.proxy.port}", options)
    with opening as opened:
        yield Stub(opened)


@pytest.mark.parametrize("by_tls", [False, True], ids=["h2c", "TLS"])
def test_grpc_goes_to_the_version_of_each_call_with_its_trailers(
    site: Site, door: tls.Door, by_tls: bool
) -> None:
    with greeter("old") as old, greeter("new") as new, calling(site, door, by_tls=by_tls) as stub:
        placed = {
            SHA: placement("hello", SHA, old, "main"),
            OTHER_SHA: placement("hello", OTHER_SHA, new, "v1"),
        }
        site.route("hello", placed)
        gates.put(site, lead("/", "main"), lead("/", "v1", when=VERSION), hosts=(CUSTOM,))
        assert stub.greet(b"you", timeout=60) == b"old you"
        sent = (("x-version", "1"),)
        answer, call = stub.greet.with_call(b"you", timeout=60, metadata=sent)
        assert (answer, dict(call.trailing_metadata())["x-after"]) == (b"new you", "all")
        assert list(stub.echo(iter([b"1", b"2"]), timeout=60)) == [b"echo 1", b"echo 2"]
        gates.remove(site)


@pytest.mark.usefixtures("labels")
def test_a_websocket_goes_on_while_the_gate_is_switched_and_haproxy_is_replaced(site: Site) -> None:
    gates.put(site, lead("/", "main"), lead("/", "v1", when=VERSION))
    with socket.create_connection(("127.0.0.1", site.proxy.port), timeout=60) as client:
        client.sendall(upgrade(HOST, {"X-Version": "1"}))
        head = client.recv(10_000).decode()
        assert head.startswith("HTTP/1.1 101 ")
        assert f"x-prevs-task: hello.{gates.sha_of('v1')}." in head
        for change in (lambda: gates.put(site, lead("/", "pr-7")), site.restart):
            change()
            client.sendall(b"still there")
            assert client.recv(100) == b"still there"


@pytest.mark.usefixtures("labels")
def test_a_path_is_compared_as_it_was_sent(site: Site) -> None:
    gates.put(site, lead("/", "main"), lead("/v1", "v1"), lead("/%2e", "pr-7"))
    expected = {
        "/v1": "v1",
        "/v1?a=/x": "v1",
        "/v1/../v2": "v1",
        "/v1//": "v1",
        "//v1": "main",
        "/V1": "main",
        "/%761": "main",
        "/./v1": "main",
        "/%2e/v1": "pr-7",
        "/%2E": "main",
        "/v10": "main",
    }
    found = {path: site.proxy.request(HOST, path) for path in expected}
    assert {path: label_of(answer) for path, answer in found.items()} == expected
    sent = {path: answer.body.split()[2].decode() for path, answer in found.items()}
    del sent["//v1"]  # the application itself joins slashes
    assert sent == {path: path for path in sent}, "it is passed on as it is"


@pytest.mark.usefixtures("labels")
def test_a_host_has_no_case_and_labels_keep_their_own_in_both_forms(site: Site) -> None:
    flat = "v1--hello.localhost"
    gates.put(site, lead("/", "main"), hosts=(CUSTOM, flat))
    hosts = [HOST.upper(), f"{HOST}.", CUSTOM.title(), flat, "V1.hello.localhost"]
    found = [label_of(site.proxy.request(host)) for host in hosts]
    assert found == ["main", "main", "main", "v1", "v1"]


@pytest.mark.usefixtures("labels")
def test_what_lua_is_asked_cannot_be_forged_by_a_request(site: Site) -> None:
    by_method = Condition(ConditionKind.METHOD, "POST")
    gates.put(site, lead("/", "main"), lead("/", "v1", when=by_method))
    for forged in (":method: POST", "x: a\t:method: POST", "x-prevs-ref: v1"):
        text = f"GET /?a=:method:%20POST HTTP/1.1\r\nHost: {HOST}\r\n{forged}\r\n\r\n"
        answer = site.proxy.send(text.encode())
        assert label_of(answer) == "main" or answer.status == 400, forged
