"""The units of provision/systemd: systemd accepts them, and rates them as confined.

tests/e2e/test_machines.py runs them; here it needs no machine.
"""

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

FOLDER = Path(__file__).parents[3] / "provision" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
EXPOSED = {"mesos-agent": 40}
"""How exposed a unit may be at most, of 100; an agent is root, for it starts what others own."""


@pytest.mark.parametrize("unit", [*UNITS, *FOLDER.glob("*.slice")], ids=lambda unit: unit.stem)
def test_systemd_understands_the_unit(unit: Path) -> None:
    done = _analyze("verify", str(unit))
    # Its programs are there once provision.sh has installed them.
    complaints = [line for line in done.stderr.splitlines() if "is not executable" not in line]
    assert [line for line in complaints if unit.stem in line] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_unit_has_few_rights_beyond_its_work(unit: Path) -> None:
    threshold = EXPOSED.get(unit.stem, 20)
    done = _analyze("security", "--offline=true", f"--threshold={threshold}", str(unit))
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", ["prevs-framework", "prevs-proxy", "mesos-agent"])
def test_a_unit_that_starts_others_outlives_one_that_takes_all_memory(name: str) -> None:
    (unit,) = (unit for unit in UNITS if unit.stem == name)
    assert "OOMPolicy=continue" in unit.read_text().splitlines()


def test_there_are_units_for_all_that_the_script_starts() -> None:
    stems = {unit.stem for unit in UNITS}
    assert stems == {
        *("prevs-framework", "prevs-proxy", "mesos-master", "mesos-agent", "zookeeper"),
    }


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
