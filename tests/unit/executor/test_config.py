"""executor/config.py: the settings that the agent gives."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from executor.cleanup.policy import Watermarks
from executor.config import Config, InvalidEnvironment, read_config, read_duration
from executor.limits.confinement import Confinement, ProxyPort, read_addresses


def test_settings_are_read_from_the_agents_variables() -> None:
    environ = {
        "PREVS_EXECUTOR_DIR": "/var/lib/prevs",
        "PREVS_CLUSTER": "c1",
        "PREVS_LOG": "json",
        "PREVS_DISK_LIMIT": "100",
        "PREVS_DENY": "10.1.0.0/16, fd00::/8",
        "PREVS_ALLOW": "10.2.0.7",
        "PREVS_ALLOW_PROXY": "10.0.0.5:80",
        "PREVS_ISOLATION": "required",
        "PREVS_ISOLATION_BUILDS": "no",
        "PREVS_BUILD_ADD": "allowed",
        "PREVS_BUILD_MEMORY": "4096",
        "PREVS_BUILD_DISK": "5000",
        "PREVS_BUILD_CGROUP": "prevsbuilds.slice",
        "PREVS_DISK_HIGH": "90.5",
        "PREVS_DISK_LOW": "60",
        "MESOS_EXECUTOR_ID": "a-task",
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "1.5mins",
    }
    assert read_config(environ) == Config(
        Path("/var/lib/prevs"),
        "c1",
        90.0,
        id="a-task",
        log="json",
        confined=Confinement(
            100,
            (ip_network("10.1.0.0/16"), ip_network("fd00::/8")),
            (ip_network("10.2.0.7/32"),),
            required=True,
            builds=False,
            fetches=True,
            build_memory=4096,
            build_disk=5000,
            build_group="/prevsbuilds.slice",
            proxy=ProxyPort("10.0.0.5", 80),
        ),
        watermarks=Watermarks(90.5, 60.0),
    )


def test_missing_settings_have_the_defaults_of_mesos() -> None:
    config = read_config({"PREVS_EXECUTOR_DIR": "/d"})
    assert config == Config(Path("/d"), None, 5.0)
    assert config.confined.builds
    assert not config.confined.fetches
    assert config.confined.build_disk == 4 * config.confined.disk_limit


def test_a_build_may_write_four_times_as_much_as_a_preview_where_nothing_else_is_said() -> None:
    environ = {"PREVS_EXECUTOR_DIR": "/d", "PREVS_DISK_LIMIT": "1000"}
    assert read_config(environ).confined.build_disk == 4000
    assert read_config({**environ, "PREVS_BUILD_DISK": "0"}).confined.build_disk == 0


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read_config(
            {
                "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "soon",
                "PREVS_LOG": "xml",
                "PREVS_DISK_LIMIT": "2GB",
                "PREVS_DENY": "10.0.0.0/8,here,10.0.0.1/8",
                "PREVS_ALLOW": "everything",
                "PREVS_ALLOW_PROXY": "10.0.0.5",
                "PREVS_ISOLATION": "maybe",
                "PREVS_ISOLATION_BUILDS": "true",
                "PREVS_BUILD_ADD": "sometimes",
                "PREVS_BUILD_MEMORY": "all",
                "PREVS_BUILD_DISK": "1e9",
                "PREVS_BUILD_CGROUP": "../a",
            }
        )
    assert len(caught.value.problems) == 14
    assert "PREVS_EXECUTOR_DIR" in str(caught.value)
    assert "soon" in str(caught.value)


@pytest.mark.parametrize(
    ("high", "low", "right"),
    [
        *[("90", "", True), ("", "", True), ("100", "99.5", True)],
        *[("75", "", False), ("101", "", False), ("90%", "", False), ("", "nan", False)],
    ],
)
def test_the_high_mark_of_the_disk_is_above_the_low_one(high: str, low: str, right: bool) -> None:
    environ = {"PREVS_EXECUTOR_DIR": "/d", "PREVS_DISK_HIGH": high, "PREVS_DISK_LOW": low}
    if right:
        assert read_config(environ).watermarks.high == float(high or 85)
        return
    with pytest.raises(InvalidEnvironment, match="PREVS_DISK_HIGH and PREVS_DISK_LOW"):
        read_config(environ)


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("[fd00::5]:443", ProxyPort("fd00::5", 443)),
        *[(bad, None) for bad in ("proxy:80", ":80", "10.0.0.5:0", "10.0.0.5:65536", "10.0.0.5:²")],
        *[(bad, None) for bad in ("10.0.0.0/24:80", "10.0.0.5:80,10.0.0.6:80", "10.0.0.5: 80")],
    ],
)
def test_a_proxy_is_an_address_with_a_port(text: str, proxy: ProxyPort | None) -> None:
    environ = {"PREVS_EXECUTOR_DIR": "/d", "PREVS_ALLOW_PROXY": text}
    if proxy is not None:
        assert read_config(environ).confined.proxy == proxy
        return
    with pytest.raises(InvalidEnvironment, match="PREVS_ALLOW_PROXY"):
        read_config(environ)


@pytest.mark.parametrize(
    ("text", "group"),
    [
        *[("/a", "/a"), ("a.slice/a-b.slice", "/a.slice/a-b.slice")],
        *[(bad, None) for bad in ("/", "//a", "/a/", "/a/..", "/a//b", "-a", "a b", "a\n", "a:b:")],
    ],
)
def test_an_invalid_path_of_a_control_group_is_refused(text: str, group: str | None) -> None:
    environ = {"PREVS_EXECUTOR_DIR": "/d", "PREVS_BUILD_CGROUP": text}
    if group is not None:
        assert read_config(environ).confined.build_group == group
        return
    with pytest.raises(InvalidEnvironment, match="PREVS_BUILD_CGROUP"):
        read_config(environ)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("5secs", 5.0), ("500ms", 0.5), ("2mins", 120.0), ("1weeks", 604800.0)],
        *[("5", None), ("secs", None), ("1.2.3secs", None), ("", None)],
    ],
)
def test_durations_are_read_as_mesos_writes_them(text: str, seconds: float | None) -> None:
    assert read_duration(text) == seconds


def test_an_invalid_address_closes_nothing_else() -> None:
    given = ["10.0.0.4/31", "2001:db8::1", "a-later-form", "10.0.0.9"]
    assert list(map(str, read_addresses(given))) == [
        "10.0.0.4/31",
        "2001:db8::1/128",
        "10.0.0.9/32",
    ]
