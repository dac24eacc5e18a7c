"""A framework and a proxy together, and visitors who go the whole way."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from prevs.paths import Paths
from program.settings.keys import new_key
from tests.conftest import Mesos
from tests.fakes.program import OwnRoot, Program, make_repository
from tests.free_ports import free_port
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Proxy
from tests.integration.room import visitors

HOST, APP = "main.hello.localhost", "/v1/apps/hello"


@contextlib.contextmanager
def running(
    mesos: Mesos,
    zookeeper: str,
    paths: Paths,
    folder: Path,
    *,
    port: int = 0,
    trusted: str = "",
    **more: str,
) -> Iterator[tuple[Program, Proxy]]:
    """A framework with the app hello, and a proxy that trusts the proxies `trusted` in front.

    `more` are settings of the framework, PREVS_ left out.
    """
    port = port or free_port()
    keys = folder / "keys"
    keys.write_text(new_key())
    (folder / "p").mkdir()
    with OwnRoot(mesos, zookeeper, folder, paths.root) as own:
        program = own.program(KEY_FILE=str(keys), PUBLIC_PORT=str(port), **more)
        program.run()
        program.add_app(make_repository(folder / "hello"))
        with proxies.running(
            folder / "p",
            zookeeper,
            paths.root,
            program.url,
            port=port,
            PREVS_TOKEN_FILE=program.environ["PREVS_TOKEN_FILE"],
            PREVS_TRUSTED_PROXIES=trusted,
        ) as proxy:
            yield program, proxy
        assert program.end() == 0


class Visitor(visitors.Visitor):
    """One who goes to the app hello."""

    def enter_at(self) -> str:
        """Go to the preview; return the address of the sign-in host to which that leads."""
        return self.begin(f"{HOST}:{self.proxy.port}", "/")

    def is_out(self) -> bool:
        """Return whether the preview refuses this visitor."""
        return is_refused(self.proxy, Cookie=self.cookies(HOST))


def is_refused(proxy: Proxy, **headers: str) -> bool:
    """Return whether a program is refused, with these headers."""
    return proxy.request(HOST, method="HEAD", headers=headers).status == 401
