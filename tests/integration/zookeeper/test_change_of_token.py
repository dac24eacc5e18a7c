"""The proxies' token is changed: by the steps of docs/operating/tokens.md, and in a wrong order."""

import contextlib
import functools
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from framework.zookeeper.connection import connect
from local.parts.ports import is_free
from prevs.paths import Paths
from prevs.records import PlacementsRecord
from program.settings.keys import new_key
from tests.conftest import Mesos
from tests.fakes.program import OwnRoot, Program, make_repository
from tests.free_ports import free_port
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Proxy
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

OLD, NEW = "the-token-of-proxies-until-now", "the-next-token-of-proxies"


class Cluster:
    """Two frameworks and a proxy, with a gate, a stack with a variant, a pass to a closed app."""

    def __init__(self, programs: list[Program], tokens: Path) -> None:
        self.programs = programs
        self.tokens = tokens

    def request(self, method: str, path: str, **more: Any) -> Any:
        answer = self.programs[0].request(method, path, **more)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def read(self) -> Mapping[str, Any]:
        """Return all that is signed, by the API."""
        return {
            path: self.request("GET", path)
            for path in ("/v1/gates/api", "/v1/gates/shop", "/v1/stacks/shop")
        } | {"access": self.request("GET", "/v1/apps/inner/access")}

    def change(self, *tokens: str) -> None:
        """Give the frameworks other tokens, as the page says: who leads is restarted last."""
        self.tokens.write_text("\n".join(tokens))
        for program in sorted(self.programs, key=self._leads):
            assert program.end() == 0
            program.run()
        wait_until(lambda: self.programs[0].request("GET", "/v1/gates").ok, "one leads")

    def _leads(self, program: Program) -> bool:
        return bool(program.request("GET", "/readyz").json()["role"] == "leader")

    def check(self) -> Mapping[str, Any]:
        """Return the check of signatures in /readyz of the one that leads."""
        for program in self.programs:
            for one in program.request("GET", "/readyz").json()["checks"]:
                if one["name"] == "signatures":
                    found: Mapping[str, Any] = one
                    return found
        return {"ok": None, "detail": "nobody leads"}


class Visitors:
    """They ask every address all along; `wrong` has each answer that was not 200."""

    def __init__(self, proxy: Proxy, asked: Mapping[str, Mapping[str, str]]) -> None:
        self.wrong: list[str] = []
        self.count = 0
        self._proxy, self._asked = proxy, asked
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Visitors":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def ask(self) -> None:
        for host, headers in self._asked.items():
            try:
                status = self._proxy.request(host, headers=headers).status
            except OSError as error:
                self.wrong.append(f"{host}: {error}")
            else:
                self.wrong += [f"{host}: {status}"] * (status != 200)
            self.count += 1

    def _run(self) -> None:
        while not self._stopped.wait(0.1):
            self.ask()


@pytest.fixture
def cluster(mesos: Mesos, zookeeper: str, paths: Paths, tmp_path: Path) -> Iterator[Cluster]:
    keys, tokens = tmp_path / "keys", tmp_path / "tokens"
    keys.write_text(new_key())
    tokens.write_text(OLD)
    with OwnRoot(mesos, zookeeper, tmp_path, paths.root) as own:
        files = {"KEY_FILE": str(keys), "PROXY_TOKEN_FILE": str(tokens)}
        made = Cluster([own.program(**files) for _ in range(2)], tokens)
        for program in made.programs:
            program.run()
        for name in ("hello", "inner"):
            program.add_app(make_repository(tmp_path / name), name, health="/runs")
        yield made
        for program in made.programs:
            assert program.end() == 0


@contextlib.contextmanager
def answering(zookeeper: str, paths: Paths) -> Iterator[None]:
    """Let something answer at each place where a task of a stand-in executor pretends to."""
    with contextlib.ExitStack() as stack:
        client = connect(zookeeper, 15)
        stack.callback(client.close)
        stack.callback(client.stop)
        for app in client.get_children(paths.placements):
            record = PlacementsRecord.decode(client.get(paths.app_placements(app))[0])
            for one in record.placements.values():
                # Mesos offers a port again when a task ends; its container may end later.
                wait_until(functools.partial(is_free, one.port, one.host), "its port is free")
                stack.enter_context(proxies.upstream(app, port=one.port, host=one.host))
        yield


def prepare(cluster: Cluster) -> str:
    """Make what is signed; return the text of a pass to `inner`."""
    first = cluster.programs[0]
    for app in ("hello", "inner"):
        first.wait_state(first.order(app=app), "running")
    rules = [{"path": "/", "to": [{"label": "main"}]}]
    cluster.request("PUT", "/v1/gates/api", json={"app": "hello", "rules": rules})
    members = {"web": {"app": "hello"}, "cart": {"app": "inner"}}
    cluster.request("PUT", "/v1/stacks/shop", json={"entry": "web", "members": members})
    opened = {"ref": "feature", "own": ["web"]}
    cluster.request("POST", "/v1/stacks/shop/variants", json=opened)
    order = {"access": "password", "password": "correct horse"}
    cluster.request("PUT", "/v1/apps/inner/access", json=order)
    made = cluster.request("POST", "/v1/apps/inner/passes", json={"kind": "machine"})
    return str(made["text"])


@contextlib.contextmanager
def visited(
    cluster: Cluster, zookeeper: str, paths: Paths, folder: Path
) -> Iterator[tuple[Proxy, Path, Visitors]]:
    """A proxy that is asked for everything, all along, and the file of its tokens."""
    text, tokens = prepare(cluster), folder / "proxy-tokens"
    tokens.write_text(OLD)
    (folder / "p").mkdir()
    api = ",".join(one.url for one in cluster.programs)
    asked = {
        "main.hello.localhost": {},
        "api.localhost": {},
        "shop.localhost": {},
        "main.inner.localhost": {"X-Prevs-Access": text},
    }
    with (
        answering(zookeeper, paths),
        proxies.running(
            folder / "p", zookeeper, paths.root, api, port=free_port(), PREVS_TOKEN_FILE=str(tokens)
        ) as proxy,
    ):

        def is_served() -> bool:
            seen = Visitors(proxy, asked)
            seen.ask()
            return not seen.wrong

        wait_until(is_served, "everything answers", over=proxy.ended)
        with Visitors(proxy, asked) as visitors:
            yield proxy, tokens, visitors


def give_proxy(proxy: Proxy, file: Path, *tokens: str) -> None:
    """Give the proxy other tokens, and restart it as the page says."""
    file.write_text("\n".join(tokens))
    proxy.process.kill()
    proxy.process.wait()
    proxy.restart()


def test_a_change_by_the_steps_costs_no_gate_stack_or_pass(
    cluster: Cluster, zookeeper: str, paths: Paths, tmp_path: Path
) -> None:
    with visited(cluster, zookeeper, paths, tmp_path) as (proxy, file, visitors):
        before = cluster.read()
        give_proxy(proxy, file, OLD, NEW)
        cluster.change(NEW, OLD)
        wait_until(lambda: "the later ones may go" in cluster.check()["detail"], "it may go")
        assert cluster.check()["ok"]
        give_proxy(proxy, file, NEW, OLD)
        cluster.change(NEW)
        visitors.ask()
        assert visitors.wrong == []
        assert visitors.count > 20
        assert cluster.read() == before
        assert cluster.request("GET", "/v1/signatures") == {"refused": []}
        # The passes of the former token end with it, and nothing else does.
        give_proxy(proxy, file, NEW)
        wait_until(
            lambda: proxy.request("main.inner.localhost", method="HEAD").status == 401, "it is out"
        )
        assert {proxy.request(f"{one}.localhost").status for one in ("api", "shop")} == {200}


def test_a_token_that_went_too_early_is_put_back_and_everything_is_there(
    cluster: Cluster, zookeeper: str, paths: Paths, tmp_path: Path
) -> None:
    with visited(cluster, zookeeper, paths, tmp_path) as (proxy, file, visitors):
        before = cluster.read()
        # As an earlier edition of the page had it: nothing is ever signed with the new one.
        cluster.change(OLD, NEW)
        give_proxy(proxy, file, NEW, OLD)
        cluster.change(NEW)
        wait_until(lambda: cluster.check()["ok"] is False, "it is said")
        check = cluster.check()
        assert not check["needed"]
        assert "add the former one as the last line" in check["detail"]
        refused = cluster.request("GET", "/v1/signatures")["refused"]
        assert {(one["kind"], one["name"]) for one in refused} == {
            *(("gate", name) for name in ("api", "shop", "cart-shop")),
            ("stack", "shop"),
            ("access", "inner"),
        }
        told = [one["gate"] for one in cluster.request("GET", "/v1/events")["events"]]
        assert "api" in told
        assert cluster.programs[0].request("GET", "/v1/gates/api").status_code == 409
        visitors.ask()
        cluster.change(NEW, OLD)
        wait_until(lambda: "the later ones may go" in cluster.check()["detail"], "it may go")
        cluster.change(NEW)
        assert cluster.read() == before
        visitors.ask()
        assert visitors.wrong == [], "proxies have the former token still"
