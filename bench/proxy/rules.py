"""The rules of our configuration for requests and answers, without the choice of destination.

They make a proxy between static HAProxy and ours: static, but with all our rules for headers,
cookies and refusals. It shows the cost of the rules apart from the cost of changing destinations.
"""

import re
from pathlib import Path
from typing import NamedTuple

from bench.proxy import own_proxy
from proxy.haproxy import config
from proxy.haproxy.config import Files, Front


class Rules(NamedTuple):
    """Lines of HAProxy's configuration: a section, and the lines for a frontend and a backend."""

    defaults: str
    requests: str
    answers: str


def read(folder: Path, port: int) -> Rules:
    """Return our rules for visitors at a port. They name no file of the proxy's `folder`."""
    text = config.render(Files(folder), Front(f"127.0.0.1:{port}", own_proxy.DOMAIN))
    # Our tables of clients are left out: one costs once per connection, one is for HTTP/2.
    lines = _section(text, "frontend web").splitlines(keepends=True)
    requests = "".join(
        line
        for line in lines
        if not re.search("table clients|table requests|sc2_|sc_conn_cur", line)
    )
    looked_up = requests.index("acl reserved")
    answers = [
        # There is no task here, so use a name of usual length.
        re.sub(r"%\[var\(txn\.dst\),.*?\]", f"app7.{7:040x}.a1", line)
        for line in _section(text, "backend placements").splitlines()
        if line.split()[:1] == ["http-response"] and "X-Prevs-Newer" not in line
    ]
    return Rules(
        "defaults\n" + _section(text, "defaults").rstrip(),
        requests[:looked_up].rstrip(),
        "\n".join(answers),
    )


def _section(text: str, name: str) -> str:
    """Return the lines of a section, without the first. Raises ValueError if there is none."""
    found = re.search(rf"^{name}\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"there is no {name!r}")
    return found[1]
