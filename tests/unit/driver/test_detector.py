"""The master's URL and znode."""

import pytest

from driver.detector import Detector, Ensemble, find_masters, read_master, read_url


@pytest.mark.parametrize(
    ("url", "ensemble"),
    [
        ("zk://h:2181/mesos", Ensemble("h:2181", "/mesos")),
        ("zk://a:1,b:2,c/deep/path/", Ensemble("a:1,b:2,c", "/deep/path")),
        ("zk://u:p@a:1,b:2/mesos", Ensemble("a:1,b:2", "/mesos", "u:p")),
        ("zk://u:p@ss:w@h:1/mesos", Ensemble("h:1", "/mesos", "u:p@ss:w")),
        ("zk://h:1/", Ensemble("h:1", "/")),
    ],
)
def test_a_url_has_hosts_path_and_credential_p20(url: str, ensemble: Ensemble) -> None:
    """P20: kazoo drops the credentials of a host list."""
    assert read_url(url) == ensemble


@pytest.mark.parametrize("url", ["h:2181/mesos", "zk://", "zk:///mesos", "zk://u:p4ss@", "zk://h"])
def test_an_invalid_url_is_refused_without_its_secret_p20(url: str) -> None:
    """P20: nor is it in the log."""
    with pytest.raises(ValueError, match="zk://host:port") as caught:
        read_url(url)
    assert "p4ss" not in str(caught.value)


def test_no_text_of_a_url_has_its_secret_p20() -> None:
    """P20: an accidental log line shows nothing."""
    assert "p4ss" not in repr(read_url("zk://u:p4ss@h:1/mesos"))


@pytest.mark.parametrize(
    ("data", "master"),
    [
        (b'{"address": {"ip": "10.0.0.1", "hostname": "m", "port": 5050}}', "10.0.0.1:5050"),
        (b'{"address": {"hostname": "m", "port": 5050}, "id": "x"}', "m:5050"),
        (b'{"address": {"ip": "10.0.0.1"}}', None),
        (b'{"address": {"port": 5050}}', None),
        (b'{"address": "10.0.0.1:5050"}', None),
        (b'{"address": null}', None),
        *((data, None) for data in (b"", b"\xff\xfe", b"[]", b"7", b"{}")),
    ],
)
def test_a_masters_address_is_read_from_its_znode(data: bytes, master: str | None) -> None:
    assert read_master(data) == master


def test_the_oldest_master_leads_p20() -> None:
    """P20: other znodes below the path, like replicas of the master's log, do not count."""
    children = ["log_replicas", "json.info_0000000010", "json.info_0000000009", "info_0000000001"]
    assert find_masters(children) == ["json.info_0000000009", "json.info_0000000010"]
    assert find_masters(["log_replicas"]) == []


def test_a_detector_of_a_wrong_url_is_refused_before_it_starts() -> None:
    with pytest.raises(ValueError, match="zk://host:port"):
        Detector("zk://", lambda master: None)
