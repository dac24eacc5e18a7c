"""The Vagrantfile and its script, as far as they can be checked without virtual machines.

tests/e2e/test_machines.py makes the same machines of namespaces, with the same arguments, and
tests/kernels with kernels of their own, with the same memory.
"""

import subprocess

import pytest

from tests.machines import vagrantfile
from tests.machines.trees import REPOSITORY

pytestmark = pytest.mark.integration

SECRET = ("--agents-file", "/usr/src/prevs/vagrant/agents-secret")
SCRIPT = REPOSITORY / "vagrant" / "provision.sh"


def test_ruby_understands_it_without_a_warning() -> None:
    command = ["ruby", "-wc", str(vagrantfile.FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Syntax OK\n", "")


def test_it_defines_a_master_and_two_agents_of_either_kind() -> None:
    machines = vagrantfile.read()["machines"]
    assert list(machines) == ["master", "agent-1", "agent-2"]
    for name, machine in machines.items():
        assert machine["hostname"] == name
        assert list(machine["providers"]) == ["virtualbox", "libvirt"]
        assert all(given["memory"] >= 2048 for given in machine["providers"].values())
        assert len({given["memory"] for given in machine["providers"].values()}) == 1
        assert machine["primary"] is (name == "master")
    assert len({plan.address for plan in vagrantfile.plans()}) == 3


def test_it_hands_each_machine_to_the_script_with_its_role_and_addresses() -> None:
    found = vagrantfile.read()
    assert ["..", "/usr/src/prevs"] in [folder[:2] for folder in found["folders"]]
    for machine in found["machines"].values():
        (provision,) = machine["provisions"]
        assert provision["kind"] == "shell"
        assert provision["inline"] == 'exec /usr/src/prevs/vagrant/provision.sh "$@"'
    master, *agents = vagrantfile.plans()
    assert master.arguments[-2:] == SECRET
    assert master.arguments[:3] == ("master,proxy", "--address", master.address)
    for agent in agents:
        to_master = ("--master", master.address, *SECRET)
        assert agent.arguments == ("agent", "--address", agent.address, *to_master)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "'' is not a list of roles"),
        (("king",), "'king' is not a list of roles"),
        (("agent", "--address"), "--address needs a value"),
        (("agent", "--address", "here", "--master", "10.0.0.1"), "--address 'here' is not an IPv4"),
        (("agent", "--address", "10.0.0.2"), "--master '' is not an IPv4 address"),
        (("master", "--address", "10.0.0.1", "--domain", "A b"), "--domain 'A b' is not a domain"),
        (("master", "--address", "10.0.0.1", "--port", "1"), "'--port' is neither"),
    ],
)
def test_the_script_refuses_what_it_cannot_understand(arguments: tuple[str, ...], why: str) -> None:
    done = subprocess.run([str(SCRIPT), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"provision: {why}")
    assert "Roles:" in done.stderr
    assert done.stdout == ""
