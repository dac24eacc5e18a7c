"""The machines of vagrant/Vagrantfile, read by Ruby with a stand-in for Vagrant."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.machines.machine import Plan

FILE = Path(__file__).parents[2] / "vagrant" / "Vagrantfile"


def read() -> Any:
    """Return its machines, as vagrantfile.rb prints them."""
    reader = Path(__file__).with_name("vagrantfile.rb")
    command = ["ruby", "-W", str(reader), str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def plans() -> list[Plan]:
    """Return its machines: the names, the addresses, and the arguments of provision.sh."""
    found = []
    for name, machine in read()["machines"].items():
        address = next(given["ip"] for kind, given in machine["networks"] if "ip" in given)
        (provision,) = machine["provisions"]
        found.append(Plan(name, address, tuple(provision["args"])))
    return found


def memory() -> dict[str, int]:
    """Return the memory of each machine, in MB."""
    machines = read()["machines"].items()
    return {name: machine["providers"]["libvirt"]["memory"] for name, machine in machines}
