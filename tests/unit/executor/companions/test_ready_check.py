"""executor/companions/ready_check.py: the kernel's tables of sockets."""

import socket
from pathlib import Path

from executor.companions.ready_check import TABLES, listens

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 1 1
   1: 0100007F:1F90 0100007F:A3B4 01 00000000:00000000 00:00000000 00000000     0        0 2 1
"""
TABLE_6 = """\
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:18EB 00000000000000000000000000000000:0000 0A 00000000
"""


def test_a_port_counts_once_something_listens_on_it() -> None:
    assert listens(TABLE, 5432)
    assert not listens(TABLE, 8080)  # a connection only
    assert not listens(TABLE, 6379)
    assert listens(TABLE + TABLE_6, 6379)
    assert not listens("", 5432)
    assert not listens("cat: can't open '/proc/net/tcp6': No such file or directory\n", 5432)


def test_the_kernel_writes_it_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tables = "".join(Path(one).read_text() for one in TABLES)
        assert listens(tables, port)
    assert not listens("".join(Path(one).read_text() for one in TABLES), port)
