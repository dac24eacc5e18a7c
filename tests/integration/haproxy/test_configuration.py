"""proxy/haproxy/haproxy.cfg.j2 and its parts: HAProxy reads each form of it without a warning.

Its warnings at a start go into the proxy's log, as lines of another form.
"""

import subprocess
from pathlib import Path

import pytest

from proxy.haproxy import config
from proxy.haproxy.config import Files, Front
from tests.integration.haproxy.tls import door

PLAIN = Front("127.0.0.1:8080", "prevs.example")
MEASURED = PLAIN._replace(metrics="127.0.0.1:8081", readers=("one", "two"))
BEHIND = PLAIN._replace(trusted=("10.0.0.0/8", "fd00::/8"), stripped=("x-tenant", "acme-*"))


def remarks(folder: Path, front: Front) -> str:
    """Return HAProxy's output about a configuration, without its version."""
    files = Files(folder)
    config.write(files, front)
    command = ["haproxy", "-c", "-f", str(files.configuration)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    known = ("[NOTICE]", "Configuration file is valid")
    return "\n".join(line for line in lines if not line.startswith(known))


@pytest.mark.parametrize("front", [PLAIN, MEASURED, BEHIND], ids=["plain", "metrics", "behind"])
def test_haproxy_has_no_warnings_about_its_configuration(tmp_path: Path, front: Front) -> None:
    assert remarks(tmp_path, front) == ""


def test_haproxy_has_no_warnings_with_tls(tmp_path: Path) -> None:
    certificates = door(tmp_path, 8443, "main.shop.prevs.example").certificates
    front = PLAIN._replace(
        tls_listen="127.0.0.1:8443", certificates=certificates, redirects=True, trusted=("::1",)
    )
    assert remarks(tmp_path, front) == ""
