"""A framework reports open systems in its log and at /readyz; nothing fails for that."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.security import OPEN_ACL_UNSAFE

from framework.zookeeper.connection import connect
from local.mesos.access import FRAMEWORK, Access
from local.mesos.installation import Installation
from local.mesos.parts import Address, master_part
from local.settings import write_private
from tests.conftest import Mesos
from tests.fakes.program import OwnRoot, Program, walk
from tests.free_ports import free_port
from tests.running_parts import running
from tests.waits import wait_until

pytestmark = pytest.mark.integration

IDENTITY = "prevs:hunter4"
BOTH = {"zookeeper-access", "mesos-access"}


def read_checks(program: Program) -> dict[str, Mapping[str, Any]]:
    """Return the checks of /readyz by name, once open systems were looked for."""

    def look() -> dict[str, Mapping[str, Any]] | None:
        answer = program.request("GET", "/readyz")
        assert answer.status_code == 200, answer.text
        checks = {one["name"]: one for one in answer.json()["checks"]}
        return checks if checks.keys() >= BOTH else None

    return wait_until(look)


def lines(program: Program) -> list[str]:
    """Return the lines of its log about open systems."""
    return [line for line in program.log.read_text().splitlines() if "open to anybody who" in line]


def test_an_open_zookeeper_and_an_open_master_are_reported_once_each_with_what_to_do(
    own: OwnRoot, mesos: Mesos
) -> None:
    program = own.program()
    program.run()
    checks = read_checks(program)
    assert {name: (checks[name]["ok"], checks[name]["needed"]) for name in BOTH} == dict.fromkeys(
        BOTH, (False, False)
    )
    assert own.paths.root in checks["zookeeper-access"]["detail"]
    assert "pose as the master (/mesos)" in checks["zookeeper-access"]["detail"]
    assert "PREVS_ZOOKEEPER_AUTH_FILE" in checks["zookeeper-access"]["detail"]
    assert mesos.master in checks["mesos-access"]["detail"]
    assert "--authenticate_http_frameworks" in checks["mesos-access"]["detail"]
    assert len(lines(program)) == 2
    assert program.end() == 0
    program.run()
    read_checks(program)
    assert len(lines(program)) == 4, "each start reports it"


@pytest.fixture
def closed(mesos_installation: Installation, tmp_path: Path) -> Iterator[tuple[Mesos, Access]]:
    """A master that authenticates everybody; it is in no ZooKeeper."""
    access = Access(tmp_path / "mesos")
    access.prepare(lambda: os.urandom(16).hex(), write_private)
    address = Address("127.0.0.1", free_port())
    folder, log = tmp_path / "master", tmp_path / "master.log"
    part = master_part(
        mesos_installation, address, folder=folder, environ={}, log=log, access=access
    )
    with running([part]):
        yield Mesos(str(address), str(address), []), access


def test_an_older_open_root_is_reported_until_it_is_closed_and_a_closed_master_is_fine(
    closed: tuple[Mesos, Access], zookeeper: str, tmp_path: Path
) -> None:
    mesos, access = closed
    identity = tmp_path / "identity"
    identity.write_text(IDENTITY)
    options = {"PRINCIPAL": FRAMEWORK, "SECRET_FILE": str(access.secret_file(FRAMEWORK))}
    with OwnRoot(mesos, zookeeper, tmp_path) as own:
        before = own.program(**options)
        before.run()
        checks = read_checks(before)
        assert not checks["zookeeper-access"]["ok"]
        assert "/mesos" not in checks["zookeeper-access"]["detail"], "its master is not there"
        assert checks["mesos-access"]["ok"]
        assert before.end() == 0

        after = own.program(**options, ZOOKEEPER_AUTH_FILE=str(identity))
        after.run()
        wait_until(lambda: read_checks(after)["zookeeper-access"]["ok"])
        assert read_checks(after)["mesos-access"]["ok"]
        assert after.end() == 0
        with_identity: KazooClient = connect(zookeeper, 15, (IDENTITY,))
        for path in list(walk(with_identity, own.paths.root)):
            with_identity.set_acls(path, OPEN_ACL_UNSAFE)  # so that it is removed as everything is
        with_identity.stop()
        with_identity.close()


def test_a_master_where_anybody_can_register_is_reported(
    mesos_installation: Installation, zookeeper: str, tmp_path: Path
) -> None:
    access = Access(tmp_path / "mesos")
    access.prepare(lambda: os.urandom(16).hex(), write_private)
    address = Address("127.0.0.1", free_port())
    folder, log = tmp_path / "master", tmp_path / "master.log"
    part = master_part(
        mesos_installation, address, folder=folder, environ={}, log=log, access=access
    )
    environ = {**part.environ, "MESOS_AUTHENTICATE_HTTP_FRAMEWORKS": "false"}
    secret = {"PRINCIPAL": FRAMEWORK, "SECRET_FILE": str(access.secret_file(FRAMEWORK))}
    with running([dataclasses.replace(part, environ=environ)]):
        mesos = Mesos(str(address), str(address), [])
        with OwnRoot(mesos, zookeeper, tmp_path) as own:
            program = own.program(**secret)
            program.run()
            detail = read_checks(program)["mesos-access"]["detail"]
            assert "Start it with --authenticate_http_frameworks and" in detail
