import itertools
import json
from pathlib import Path

from local.mesos.access import OPERATOR, READER, Access
from local.settings import write_private


def prepared(folder: Path) -> Access:
    numbers = itertools.count()
    access = Access(folder / "mesos")
    access.prepare(lambda: f"secret-{next(numbers)}", write_private)
    return access


def principals(uri: str) -> dict[str, str]:
    listed = json.loads(Path(uri.removeprefix("file://")).read_text())["credentials"]
    return {one["principal"]: one["secret"] for one in listed}


def test_the_master_and_agents_authenticate_everybody(tmp_path: Path) -> None:
    access = prepared(tmp_path)
    for flags in (access.master_flags(), access.agent_flags()):
        assert flags["MESOS_AUTHENTICATE_HTTP_READONLY"] == "true"
        assert flags["MESOS_AUTHENTICATE_HTTP_READWRITE"] == "true"
    assert access.master_flags()["MESOS_AUTHENTICATE_HTTP_FRAMEWORKS"] == "true"
    assert access.master_flags()["MESOS_AUTHENTICATE_AGENTS"] == "true"
    assert access.agent_flags()["MESOS_AUTHENTICATE_HTTP_EXECUTORS"] == "true"


def test_an_agent_never_sees_the_frameworks_secret_for_the_master(tmp_path: Path) -> None:
    access = prepared(tmp_path)
    at_master = principals(access.master_flags()["MESOS_CREDENTIALS"])
    at_agents = principals(access.agent_flags()["MESOS_HTTP_CREDENTIALS"])
    assert set(at_master) == {"operator", "prevs", "agent"}
    assert set(at_agents) == {OPERATOR, READER}
    assert at_agents[OPERATOR] == at_master[OPERATOR]
    agent = json.loads(
        Path(access.agent_flags()["MESOS_CREDENTIAL"].removeprefix("file://")).read_text()
    )
    assert at_master[agent["principal"]] == agent["secret"]
    assert len({*at_master.values(), *at_agents.values()}) == 4
    assert access.credential() == (OPERATOR, at_master[OPERATOR])


def test_no_flag_has_a_secret_in_it(tmp_path: Path) -> None:
    access = prepared(tmp_path)
    flags = {**access.master_flags(), **access.agent_flags()}
    assert not any("secret-" in value for value in flags.values())


def test_secrets_stay_and_all_files_are_closed_to_others(tmp_path: Path) -> None:
    access = prepared(tmp_path)
    before = {path: path.read_text() for path in access.folder.iterdir()}
    again = Access(access.folder)
    again.prepare(lambda: "another", write_private)
    assert {path: path.read_text() for path in access.folder.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in before} == {0o600}
    assert access.folder.stat().st_mode & 0o777 == 0o700
