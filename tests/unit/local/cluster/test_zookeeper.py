from pathlib import Path

from local.cluster.zookeeper import configuration


def test_zookeeper_listens_on_loopback_and_has_no_admin_server() -> None:
    lines = configuration(Path("/data"), 2182).splitlines()
    assert "clientPort=2182" in lines
    assert "clientPortAddress=127.0.0.1" in lines
    assert "admin.enableServer=false" in lines
    assert "dataDir=/data/data" in lines
