import json

from local.mesos.announcement import master_info
from local.mesos.parts import Address


def test_the_announcement_is_what_a_real_master_announces() -> None:
    info = json.loads(master_info({"id": "abc", "version": "1.11.0"}, Address("127.0.0.1", 5050)))
    assert info == {
        "id": "abc",
        "hostname": "127.0.0.1",
        "ip": 16777343,  # in network byte order, read as a little-endian number, as Mesos does
        "pid": "master@127.0.0.1:5050",
        "port": 5050,
        "version": "1.11.0",
        "address": {"hostname": "127.0.0.1", "ip": "127.0.0.1", "port": 5050},
    }
