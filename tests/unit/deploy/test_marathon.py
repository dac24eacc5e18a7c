"""The definitions for Marathon are accepted by Marathon's client and by our programs."""

import collections
import copy
import json
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from marathon import MarathonApp

from framework import settings as framework_settings
from program.settings.environment import PREFIX
from proxy import settings as proxy_settings

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "marathon"
NAMES = ("framework", "proxy")
FIELDS = {
    "framework": framework_settings.Settings.model_fields,
    "proxy": proxy_settings.Settings.model_fields,
}


@pytest.fixture(autouse=True)
def _old_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client needs a name that collections lost in Python 3.10."""
    monkeypatch.setattr(collections, "Iterable", Iterable, raising=False)


def definition(name: str) -> dict[str, Any]:
    """Return a definition as it is in its file."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def environment(app: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment in which the program of an app's task starts."""
    ports = [str(port["port"]) for port in app["portDefinitions"]]
    known = {"HOST": "10.0.0.7", **{f"PORT{n}": port for n, port in enumerate(ports)}}
    line = re.sub(r"\$([A-Z0-9]+)", lambda name: known[name[1]], app["cmd"])
    set_first = dict(word.split("=", 1) for word in shlex.split(line) if word.startswith(PREFIX))
    return {**app["env"], **set_first}


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_goes_through_the_client_unchanged(name: str) -> None:
    definition_sent = definition(name)
    app = MarathonApp.from_json(copy.deepcopy(definition_sent))
    assert app.id == f"/prevs/{name}"
    kept = json.loads(app.to_json())
    # The client fills in what was left out.
    for key in ("forcePullImage", "privileged"):
        assert kept["container"]["docker"].pop(key, False) is False
    for check in kept["healthChecks"]:
        check.pop("ignoreHttp1xx", None)
    assert kept == definition_sent


@pytest.mark.parametrize("name", NAMES)
def test_a_program_takes_the_settings_of_its_definition(name: str, tmp_path: Path) -> None:
    environ = environment(definition(name))
    known = {PREFIX + field.upper() for field in FIELDS[name]}
    assert set(environ) <= known
    secrets = {
        "PREVS_TOKEN_FILE": "the-token\n",
        "PREVS_PROXY_TOKEN_FILE": "the-proxies'-token\n",
        "PREVS_KEY_FILE": f"{Fernet.generate_key().decode()}\n",
    }
    for variable, text in secrets.items():
        if variable in environ:
            file = tmp_path / variable
            file.write_text(text)
            file.chmod(0o600)
            environ[variable] = str(file)
    read = framework_settings.read if name == "framework" else proxy_settings.read
    assert read(environ)


@pytest.mark.parametrize("name", NAMES)
def test_one_is_replaced_after_the_other_at_hosts_of_their_own(name: str) -> None:
    app = MarathonApp.from_json(definition(name))
    assert app.instances == 2
    assert [(one.field, one.operator) for one in app.constraints] == [("hostname", "UNIQUE")]
    assert app.upgrade_strategy.minimum_health_capacity == 0.5
    assert app.upgrade_strategy.maximum_over_capacity == 0
    assert app.require_ports
    assert app.networks == [{"mode": "host"}]
    (health,), (ready,) = app.health_checks, app.readiness_checks
    assert (health.path, ready.path) == ("/healthz", "/readyz")
    assert app.port_definitions[health.port_index].name == ready.port_name


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_in_a_definition(name: str) -> None:
    app = definition(name)
    files = [value for key, value in app["env"].items() if key.endswith("_FILE")]
    assert files
    mounts = [volume for volume in app["container"]["volumes"] if volume["mode"] == "RO"]
    assert all(file.startswith(f"{mounts[0]['containerPath']}/") for file in files)


def test_no_proxy_sees_what_frameworks_have() -> None:
    """The operator's token, and the keys that open secrets."""
    seen = {name: definition(name)["container"]["volumes"] for name in NAMES}
    (theirs, own) = ({one["hostPath"] for one in seen[name]} for name in NAMES)
    assert not theirs & own
    assert not [one for one in own if any(one.startswith(f"{other}/") for other in theirs)]
    assert "PREVS_PROXY_TOKEN_FILE" in definition("framework")["env"]


def test_a_secret_of_marathons_store_becomes_a_file_and_leaves_the_environment() -> None:
    page = (ROOT / "docs" / "operating" / "marathon.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    definition_sent = {**definition("framework"), **json.loads(block)}
    app = MarathonApp.from_json(copy.deepcopy(definition_sent))
    sent = json.loads(app.to_json())
    assert (sent["env"], sent["secrets"]) == (definition_sent["env"], definition_sent["secrets"])
    assert app.cmd is not None
    looks = 'sh -c \'cat "$PREVS_TOKEN_FILE"; stat -c %a "$PREVS_TOKEN_FILE"; env\''
    line = re.sub(r"exec .*", looks, app.cmd.replace("/tmp/token", '"$FOLDER/token"'))
    with tempfile.TemporaryDirectory() as folder:
        environ = {"TOKEN": "it is 'secret'", "FOLDER": folder, "HOST": "h", "PORT0": "1"}
        environ["PATH"] = os.environ["PATH"]
        done = subprocess.run(
            ["/bin/sh", "-c", line], env=environ, capture_output=True, text=True, check=True
        )
    lines = done.stdout.splitlines()
    assert lines[:2] == ["it is 'secret'", "600"]
    assert not [variable for variable in lines[2:] if variable.startswith("TOKEN=")]


def test_the_image_of_each_definition_is_made_by_the_dockerfile() -> None:
    stages = re.findall(r"^FROM .* AS (\w+)$", (ROOT / "deploy" / "Dockerfile").read_text(), re.M)
    for name in NAMES:
        image = definition(name)["container"]["docker"]["image"]
        assert image.partition("/")[2].partition(":")[0] == f"prevs-{name}"
        assert name in stages
