"""Another server asks prevs whether a request may pass: nginx, as our documentation has it."""

import contextlib
import http.client
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.fakes.access import make_pass
from tests.free_ports import free_port
from tests.integration.haproxy import guarding
from tests.integration.haproxy.guarding import HOST, cookie
from tests.integration.haproxy.proxies import BROWSER, Site
from tests.waits import describe_end, wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[int]:
    """Run nginx with the locations of the documentation, in front of our proxy; yield its port."""
    page = (ROOT / "docs/operating/access.md").read_text()
    locations = "\n".join(re.findall(r"^    (location .*)$", page, re.MULTILINE))
    assert locations.count("location") == 3
    (folder / "srv/storybook").mkdir(parents=True)
    (folder / "srv/storybook/index.html").write_text("theirs")
    port, log, file = free_port(), folder / "nginx.log", folder / "nginx.conf"
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {log}; events {{}}\n"
        f"http {{ access_log off; {temporary}\n"
        f"upstream prevs-proxy {{ server 127.0.0.1:{upstream}; }}\n"
        f"server {{ listen 127.0.0.1:{port};\n{locations.replace('/srv', f'{folder}/srv')}\n}} }}\n"
    )
    command = ["nginx", "-c", str(file), "-e", str(log)]
    with log.open("ab") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            wait_until(lambda: _listens(port), over=lambda: describe_end(process, log))
            yield port
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError):
        return ask(port, "/").status > 0
    return False


def ask(port: int, path: str, headers: Mapping[str, str] | None = None) -> http.client.HTTPResponse:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as client:
        client.request("GET", path, headers={"Host": HOST, **(headers or {})})
        answer = client.getresponse()
        answer.read()
        return answer


def test_nginx_serves_its_part_to_who_has_a_pass(site: Site, tmp_path: Path) -> None:
    with guarding.shop(site), nginx(tmp_path, site.proxy.port) as port:
        good, bad = make_pass("shop", HOST), make_pass("docs", HOST)
        page = "/storybook/index.html"
        for headers in (cookie(good), {"X-Prevs-Access": good}):
            assert ask(port, page, {**BROWSER, **headers}).status == 200
        for stranger in ({}, cookie(bad), {"X-Prevs-Access": bad}):
            answer = ask(port, page, {**BROWSER, **stranger})
            assert (answer.status, answer.headers["Location"]) == (
                303,
                f"http://{HOST}:{port}/_prevs/enter?to={page}",
            )
        assert ask(port, f"/_prevs/enter?to={page}", BROWSER).status == 303
