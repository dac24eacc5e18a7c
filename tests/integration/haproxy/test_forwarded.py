"""What an application learns about the client, with proxies in front of ours and without.

And by which id a visitor's request is found in the logs of the proxy and of the framework.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.placements import SHA, placement
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import BROWSER, Site, Upstream, upstream
from tests.integration.haproxy.wire import UPGRADE
from tests.waits import wait_until

pytestmark = pytest.mark.integration

HOST = "main.hello.localhost"
WAITING = "main.waiting.localhost"
"""The address of what does not run yet."""
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def alone(running_site: Site) -> Site:
    return running_site


@pytest.fixture(scope="module")
def behind(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Site]:
    folder, trusted = tmp_path_factory.mktemp("behind"), "127.0.0.0/8,10.0.0.0/8"
    with proxies.site(folder, zookeeper, free_port(), PREVS_TRUSTED_PROXIES=trusted) as started:
        yield started


@pytest.fixture(scope="module")
def beside(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Site]:
    folder, trusted = tmp_path_factory.mktemp("beside"), "10.0.0.0/8"
    more = {"PREVS_TRUSTED_PROXIES": trusted, "PREVS_STRIP_HEADERS": "X-Our-User, X-Our-Sso-*"}
    with proxies.site(folder, zookeeper, free_port(), **more) as started:
        yield started


@pytest.fixture(scope="module")
def app(alone: Site, behind: Site, beside: Site) -> Iterator[Upstream]:
    with upstream("app") as application:
        placed = {SHA: placement("hello", SHA, application.port, "main")}
        sites = (alone, behind, beside)
        for site in sites:
            site.tree.place("hello", placed)
        wait_until(lambda: all({"hello": 0} in site.tree.applied() for site in sites))
        yield application


def received(site: Site, app: Upstream, headers: Mapping[str, str]) -> dict[str, str]:
    """Return what the application receives of a request with these headers."""
    assert site.proxy.request(HOST, headers=headers).status == 200
    seen = app.seen[-1][2]
    return {name: value for name, value in seen.items() if "forwarded" in name}


def test_without_trusted_proxies_no_client_header_is_believed(alone: Site, app: Upstream) -> None:
    lies = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=6.6.6.6;proto=https",
    }
    host = f"{HOST}:{alone.proxy.port}"
    assert received(alone, app, lies) == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": host,
        "x-forwarded-port": str(alone.proxy.port),
        "forwarded": f'for=127.0.0.1;proto=http;host="{host}"',
    }


@pytest.mark.parametrize(
    ("claims", "client"),
    [
        ("9.9.9.9", "9.9.9.9"),
        ("6.6.6.6, 9.9.9.9", "9.9.9.9"),
        ("9.9.9.9, 10.1.1.1", "9.9.9.9"),
        ("6.6.6.6, 9.9.9.9,10.1.1.2, 10.1.1.1", "9.9.9.9"),
        ("nonsense", "127.0.0.1"),
    ],
)
def test_trusted_proxies_name_the_client(
    behind: Site, app: Upstream, claims: str, client: str
) -> None:
    host = f"{HOST}:{behind.proxy.port}"
    forwarded = {"X-Forwarded-For": claims, "X-Forwarded-Proto": "HTTPS", "X-Forwarded-Port": "443"}
    assert received(behind, app, forwarded) == {
        "x-forwarded-for": client,
        "x-forwarded-proto": "https",
        "x-forwarded-host": host,
        "x-forwarded-port": "443",
        "forwarded": f'for={client};proto=https;host="{host}"',
    }


def test_an_ipv6_address_is_forwarded_as_the_standard_requires(behind: Site, app: Upstream) -> None:
    seen = received(behind, app, {"X-Forwarded-For": "2001:db8::7"})
    assert seen["x-forwarded-for"] == "2001:db8::7"
    assert seen["forwarded"].startswith('for="[2001:db8::7]";')


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"X-Forwarded-Proto": "gopher", "X-Forwarded-Port": "99999"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-User": "admin"},
        {"Forwarded": "for=6.6.6.6;proto=https"},
    ],
)
def test_a_malformed_header_of_a_trusted_proxy_is_ignored(
    behind: Site, app: Upstream, claims: Mapping[str, str]
) -> None:
    host = f"{HOST}:{behind.proxy.port}"
    assert received(behind, app, claims) == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": host,
        "x-forwarded-port": str(behind.proxy.port),
        "forwarded": f'for=127.0.0.1;proto=http;host="{host}"',
    }


@pytest.mark.parametrize(
    "host", [f'{HOST}:"x', f'{HOST}";for=6.6.6.6', f"{HOST}:80:80", f"{HOST}:x"]
)
def test_a_host_header_with_anything_extra_reaches_no_application(
    alone: Site, app: Upstream, host: str
) -> None:
    before = len(app.seen)
    assert 400 <= alone.proxy.request(HOST, headers={"Host": host}).status < 500
    assert len(app.seen) == before


@pytest.mark.parametrize(
    "sent",
    [
        {"Connection": "X-Forwarded-For, X-Prevs-Task"},
        {"Connection": "keep-alive, Forwarded", "Keep-Alive": "timeout=5"},
        {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABk"},
        {"Proxy-Connection": "keep-alive", "Proxy-Authorization": "Basic x", "Proxy": "evil:80"},
        {"Connection": "TE", "TE": "gzip"},
    ],
)
def test_hop_by_hop_headers_are_not_forwarded(
    alone: Site, app: Upstream, sent: Mapping[str, str]
) -> None:
    assert alone.proxy.request(HOST, headers=sent).status == 200
    seen = app.seen[-1][2]
    assert not {"connection", "upgrade", "http2-settings", "keep-alive"} & set(seen)
    assert not [name for name in seen if name.startswith("proxy")]
    assert seen.get("te") in {None, "trailers"}
    assert seen["x-forwarded-for"] == "127.0.0.1"


def test_only_a_websocket_upgrade_is_forwarded(alone: Site, app: Upstream) -> None:
    upgrade = {**UPGRADE, "Connection": "keep-alive, Upgrade, X-Forwarded-For"}
    assert alone.proxy.request(HOST, headers=upgrade).status == 200
    seen = app.seen[-1][2]
    assert (seen["connection"], seen["upgrade"]) == ("upgrade", "websocket")


@pytest.mark.parametrize(
    "name",
    [
        *("X-Real-IP", "X_Real_IP", "x-real_ip", "X-Client-IP", "Client-IP", "Client_Ip"),
        *("X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP", "CF_Connecting_IP"),
        *("Fastly-Client-IP", "X-ProxyUser-Ip", "X-Appengine-User-Ip", "X-Envoy-Original-Path"),
        *("X-Original-URL", "X-Original-Host", "X-Rewrite-URL", "X-Host", "X-HTTP-Host-Override"),
        *("Script-Name", "SCRIPT_NAME", "PATH_INFO", "X-Script-Name", "X-Scheme", "X-Url-Scheme"),
        *("Front-End-Https", "X-SSL", "X-SSL-Client-Verify", "SSL_Client_Cert", "X-ARR-SSL"),
        *("Client-Cert", "Client-Cert-Chain", "X-Client-Cert", "X-Client-Verify"),
        *("Remote-User", "REMOTE_USER", "REMOTE_ADDR", "X-Remote-User", "X-Remote-Group"),
        *("X-WebAuth-User", "X-Auth-Request-Email", "X-Amzn-Oidc-Identity", "Tailscale-User-Login"),
        *("X-MS-Client-Principal-Name", "X-Goog-Authenticated-User-Email"),
        *("X-Sendfile-Type", "X-Accel-Mapping"),
        *("X-Authentik-Username", "X-Authelia-User", "Authelia-User", "X-Pomerium-Jwt-Assertion"),
        *("X-Vouch-User", "X-Token-User-Email", "X-Auth-User", "X-Authenticated-User", "X-User"),
        *("X-Consumer-Username", "X-Credential-Identifier", "X-Anonymous-Consumer", "X-Dex-User"),
        *("Kubeflow-Userid", "Impersonate-User", "X-JWT-Assertion", "X-Endpoint-Api-Userinfo"),
        *("X-Apigateway-Api-Userinfo", "WL-Proxy-Client-IP", "X-Originating-IP"),
        *("X-Azure-SocketIP", "Fly-Client-IP", "X-Vercel-Forwarded-For", "X-Nf-Client-Ip"),
        *("X-Custom-IP-Authorization", "OIDC_CLAIM_email"),
        *("SM_USER", "SM-ServerSessionId", "IV-User", "iv_groups", "Shib-Identity-Provider"),
        *("X-Shib-User", "EPPN", "X-Userinfo", "X-Id-Token", "X-Email", "X-Groups", "X-User-Email"),
        *("X-TLS-Client-Subject", "X-IAP-User", "X-Goog-IAP-JWT-Assertion", "X-Server-Name"),
        *("X-Our-Cloud-Client-IP", "Some-Client-Cert-Subject", "A_Remote_User", "A-UserInfo"),
    ],
)
def test_headers_of_proxies_are_accepted_only_from_trusted_ones(
    alone: Site, behind: Site, beside: Site, app: Upstream, name: str
) -> None:
    claims = {name: "x", "X-Forwarded-For": "9.9.9.9"}
    for site, passed in ((alone, False), (beside, False), (behind, True)):
        assert site.proxy.request(HOST, headers=claims).status == 200
        assert (name.lower() in app.seen[-1][2]) is passed


@pytest.mark.parametrize("name", ["X-Our-User", "x_our_user", "X-Our-Sso-Groups", "X_OUR_SSO_"])
def test_headers_that_an_operator_adds_are_accepted_only_from_trusted_proxies(
    alone: Site, beside: Site, app: Upstream, name: str
) -> None:
    claims = {name: "x", "X-Our-User-Name": "x"}
    for site, passed in ((alone, True), (beside, False)):
        assert site.proxy.request(HOST, headers=claims).status == 200
        assert (name.lower() in app.seen[-1][2]) is passed
        assert "x-our-user-name" in app.seen[-1][2]


@pytest.mark.parametrize(
    "name",
    [
        *("X_Forwarded_For", "X-Forwarded_Proto", "x_forwarded-host", "Forwarded-For"),
        *(
            "X-Prevs",
            "X-Prevs-Task",
            "X_Prevs_Task",
            "X-Prevs_Task",
            "X-Prevs-Miss",
            "X_PREVS-Miss",
        ),
    ],
)
def test_the_proxys_own_headers_are_accepted_from_nobody(
    alone: Site, behind: Site, app: Upstream, name: str
) -> None:
    for site in (alone, behind):
        assert site.proxy.request(HOST, headers={name: "6.6.6.6"}).status == 200
        seen = app.seen[-1][2]
        assert name.lower() not in seen
        assert not [name for name in seen if name.startswith(("x-prevs", "x_prevs"))]
        assert "6.6.6.6" not in seen.values()
        assert seen["x-forwarded-for"] == "127.0.0.1"


def test_a_forged_header_is_found_among_many(alone: Site, app: Upstream) -> None:
    claims = {f"{'A' * 100}-{number}": "x" for number in range(80)} | {"X-Real-IP": "6.6.6.6"}
    assert alone.proxy.request(HOST, headers=claims).status == 200
    assert "x-real-ip" not in app.seen[-1][2]
    assert len(app.seen[-1][2]) > 80


def test_headers_that_a_visitor_may_send_arrive(alone: Site, app: Upstream) -> None:
    claims = {
        "X-Requested-With": "XMLHttpRequest",
        "X-HTTP-Method-Override": "PUT",
        "X-User-Agent": "grpc-web-javascript/0.1",
        "X-Access-Token": "x",
        "X-Client-Info": "a/1",
        "X-Real-IP-Seen": "x",
        "My-X-Host": "x",
        "Unforwarded": "x",
        "X-Request-Id": "1",
        "Via": "1.1 mine",
        "Authorization": "Basic eDp5",
    }
    assert alone.proxy.request(HOST, headers=claims).status == 200
    seen = app.seen[-1][2]
    assert {name: seen.get(name.lower()) for name in claims} == claims


def get_page(site: Site, **headers: str) -> str:
    """Return the id in the answer of a page; the framework got the same."""
    site.world.add("waiting", "main", SHA)
    site.world.request_ids.clear()
    request_id = site.proxy.request(WAITING, headers={**BROWSER, **headers}).headers["x-request-id"]
    assert set(site.world.request_ids) == {request_id}
    return request_id


def test_each_request_has_its_own_id_whatever_a_client_sends(alone: Site) -> None:
    ids = {get_page(alone), get_page(alone), get_page(alone, **{"X-Request-Id": "mine"})}
    assert len(ids) == 3
    assert all(re.fullmatch(UUID, one) for one in ids)


def test_the_id_of_a_proxy_in_front_stays_if_it_is_valid(behind: Site) -> None:
    assert get_page(behind, **{"X-Request-Id": "front-1"}) == "front-1"
    for odd in ('a" level=error', "x" * 65, "a;b"):
        assert re.fullmatch(UUID, get_page(behind, **{"X-Request-Id": odd}))


def test_the_id_of_a_held_request_is_in_every_log_from_arrival_to_attempt(
    behind: Site, app: Upstream
) -> None:
    task = f"waiting.{SHA}.a1"
    behind.world.add("waiting", "main", SHA)
    behind.world.started = lambda _: behind.run("waiting", SHA, app.port, "main")
    behind.world.request_ids.clear()
    assert behind.proxy.request(WAITING, headers={"X-Request-Id": "held-1"}).status == 200
    assert "held-1" in behind.world.request_ids
    wait_until(lambda: "held requests are let in" in behind.proxy.log.read_text())
    lines = behind.proxy.log.read_text().splitlines()
    waits, *_, let_in = (line for line in lines if "request=held-1" in line)
    assert "a request is held" in waits
    assert f"app=waiting commit={SHA[:12]} task={task}" in let_in
    assert any("an attempt is routed" in line and f"task={task}" in line for line in lines)
    # What is routed goes by without an id of ours.
    assert "x-request-id" not in behind.proxy.request(WAITING).headers


def test_a_client_that_waits_behind_another_proxy_is_not_mistaken_for_gone(
    behind: Site, free_port: Callable[[], int]
) -> None:
    """Its connection is known by its own address, not by the client behind the proxy in front."""
    port = free_port()
    behind.world.add("refusing", "main", SHA)
    behind.world.start("refusing", "main")
    placed = placement("refusing", SHA, port, "main")
    behind.route("refusing", {SHA: placed})
    behind.world.move("refusing", SHA, "running", task_id=placed.task_id, phase="running")
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    with ThreadPoolExecutor() as pool:
        host = "main.refusing.localhost"
        waits = pool.submit(behind.proxy.request, host, "/held", headers=claims)
        # Longer than two looks for the departed.
        wait_until(lambda: len(behind.world.refused) >= 5, over=behind.proxy.ended)
        with upstream("app", port=port) as app:
            assert waits.result().body == b"app GET /held 0"
    [(_, _, headers)] = app.seen
    assert headers["x-forwarded-for"] == "203.0.113.9"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["forwarded"].count("for=") == 1
