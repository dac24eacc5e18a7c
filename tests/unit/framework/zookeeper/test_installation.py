import dataclasses
import re

import pytest

from framework.zookeeper.installation import (
    find_difference,
    find_stranger,
    is_framework_id,
    name_master,
)
from prevs.paths import Paths
from prevs.records import InstallationRecord

BELOW = re.compile(r"/prevs/([a-z-]+)")
OURS_BELOW = tuple(
    found[1]
    for name, member in vars(Paths).items()
    if isinstance(member, property) and (found := BELOW.fullmatch(getattr(Paths(), name)))
)
OURS = InstallationRecord(
    master="zk:///mesos", name="prevs", role="teams", user="prevs", domain="localhost"
)


@pytest.mark.parametrize(
    ("master", "name"),
    [
        ("10.0.0.1:5050", "10.0.0.1:5050"),
        ("zk://b:2181,a:2181/mesos", "zk://a:2181,b:2181/mesos"),
        ("zk://me:secret@b:2181,a:2181/mesos/", "zk://a:2181,b:2181/mesos"),
        ("zk://z:2181,y:2181/mesos", "zk:///mesos"),
        ("zk://me:se@cret@y:2181,z:2181/mesos", "zk:///mesos"),
        ("zk://z:2181/mesos", "zk://z:2181/mesos"),
        ("zk://z:2181,y:2181/other/mesos", "zk:///other/mesos"),
    ],
)
def test_a_cluster_has_one_name_however_its_hosts_are_listed(master: str, name: str) -> None:
    assert name_master(master, "y:2181,z:2181") == name


def test_frameworks_with_the_same_settings_may_work_together() -> None:
    assert find_difference(OURS, dataclasses.replace(OURS), led=True) is None


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(OURS)])
def test_each_difference_is_reported_with_both_values(field: str) -> None:
    theirs = dataclasses.replace(OURS, **{field: "other"})
    why = find_difference(theirs, OURS, led=True)
    assert why is not None
    assert f"other there, {getattr(OURS, field) or 'unset'} here" in why
    may_change = field in {"domain", "principal", "jobs_role"}
    assert ("start them with the new settings" in why) == may_change
    assert ("--forget installation" in why) != may_change


def test_the_domain_may_differ_while_nobody_leads() -> None:
    assert find_difference(dataclasses.replace(OURS, domain="b"), OURS, led=False) is None
    assert find_difference(dataclasses.replace(OURS, role="b"), OURS, led=False) is not None


@pytest.mark.parametrize("field", ["principal", "jobs_role"])
def test_a_principal_or_a_role_of_jobs_may_come_and_go_while_nobody_leads(field: str) -> None:
    named = dataclasses.replace(OURS, **{field: "prevs"})
    for before, now in ((OURS, named), (named, OURS)):
        assert find_difference(before, now, led=False) is None
        assert find_difference(before, now, led=True) is not None


def test_a_setting_is_named_by_its_variable() -> None:
    why = find_difference(dataclasses.replace(OURS, role="a", domain="b"), OURS, led=True)
    assert why is not None
    assert "PREVS_ROLE a there, teams here; PREVS_DOMAIN b there, localhost here" in why


@pytest.mark.parametrize(
    "children",
    [
        (),
        ("proxies",),
        OURS_BELOW,
    ],
)
def test_a_new_or_own_root_can_be_used(children: tuple[str, ...]) -> None:
    assert find_stranger("/prevs", children, b"", 0) is None


@pytest.mark.parametrize(
    ("root", "children", "data", "owner"),
    [
        ("/mesos", ("json.info_0000000001", "log_replicas"), b"", 0),
        ("/marathon", ("state", "leader", "apps"), b"", 0),
        ("/some", (), b"data", 0),
        ("/some", (), b"", 4711),
        ("/zookeeper", (), b"", 0),
        ("/zookeeper/quota", (), b"", 0),
    ],
)
def test_a_foreign_root_cannot_be_used(
    root: str, children: tuple[str, ...], data: bytes, owner: int
) -> None:
    why = find_stranger(root, children, data, owner)
    assert why is not None
    assert "another PREVS_ROOT" in why


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b"04ec1633-5380-4370-b137-7c6a41ca5565-0002", True),
        (b"framework-1", True),
        (b'{"v":1}', False),
        (b"two words", False),
        ("größe".encode(), False),
        (b"\x00", False),
        (b"", False),
    ],
)
def test_an_id_of_mesos_is_recognized_by_its_form(data: bytes, *, is_one: bool) -> None:
    assert is_framework_id(data) is is_one
