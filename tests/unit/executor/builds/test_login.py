"""executor/builds/login.py: docker's settings and credential helpers, valid and malformed."""

import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from executor.builds.login import find_login
from executor.errors import RegistryFailed

HOST = "registry.example.org:5000"
SECRET = "nobody may see this"
AUTH = base64.b64encode(f"me:{SECRET}".encode()).decode()


class World:
    """A user with a home, and a process with a folder for programs."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.settings = folder / "home/.docker/config.json"
        self.settings.parent.mkdir(parents=True)
        self.environ = {"HOME": str(folder / "home")}

    def set(self, **settings: Any) -> None:
        """Write docker's settings."""
        self.settings.write_text(json.dumps(settings))

    def helper(self, script: str) -> None:
        """Install a credential helper for all registries."""
        program = self.programs / "docker-credential-test"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        self.set(credsStore="test")

    def login(self) -> dict[str, Any]:
        """Return the login as the daemon would read it."""
        login = find_login(self.environ, HOST, lambda: None)
        found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(login))
        return found


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    monkeypatch.setenv("PATH", str(made.programs), prepend=":")
    # The settings of this process do not count.
    (tmp_path / "process").mkdir()
    mistaken = base64.b64encode(b"somebody:else").decode()
    settings = json.dumps({"auths": {HOST: {"auth": mistaken}}})
    (tmp_path / "process/config.json").write_text(settings)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "process"))
    return made


@pytest.mark.parametrize("key", [HOST, f"https://{HOST}", f"https://{HOST}/v2/"])
def test_a_login_is_known_by_its_registry_however_that_is_written(world: World, key: str) -> None:
    world.set(auths={"elsewhere.example.org": {"auth": "eDp5"}, key: {"auth": AUTH}})
    found = world.login()
    assert (found["username"], found["password"]) == ("me", SECRET)


def test_a_token_is_a_login_too(world: World) -> None:
    world.set(auths={HOST: {"identitytoken": SECRET}})
    assert world.login() == {"IdentityToken": SECRET}


def test_a_helper_gives_the_login(world: World) -> None:
    answer = json.dumps({"Username": "me", "Secret": SECRET})
    world.helper(f"""test "$1 $(cat)" = "get {HOST}" && echo '{answer}'""")
    assert world.login() == {"Username": "me", "Password": SECRET, "ServerAddress": HOST}


def test_a_helper_has_the_executors_environment(world: World) -> None:
    answer = json.dumps({"Username": "$WHO", "Secret": SECRET}).replace('"', '\\"')
    world.helper(f'echo "{answer}"')
    world.environ["WHO"] = "me"
    assert world.login()["Username"] == "me"


@pytest.mark.parametrize(
    "settings",
    [{}, {"auths": {}}, {"auths": {"elsewhere": {"auth": AUTH}}}, {"proxies": {"default": {}}}],
)
def test_without_a_login_or_settings_there_is_no_credential(
    world: World, settings: dict[str, Any]
) -> None:
    world.set(**settings)
    assert world.login() == {}
    world.settings.unlink()
    assert world.login() == {}
    world.settings.parent.rmdir()
    world.settings.parent.write_text("no folder")
    assert world.login() == {}


@pytest.mark.parametrize(
    ("text", "why"), [("{", "it is no"), ("", "it is no"), ("[]", "it is no"), (None, "Is a dir")]
)
def test_unreadable_settings_have_no_credential(
    world: World, text: str | None, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    world.settings.mkdir() if text is None else world.settings.write_text(text)
    assert world.login() == {}
    assert (
        f"{world.settings} cannot be read, so there are no logins to registries: {why}"
        in caplog.text
    )


@pytest.mark.parametrize(
    "entry", [SECRET, {"auth": SECRET}, {"auth": f"me:{SECRET}"}, {"auth": "bWU="}, {"auth": 3}]
)
def test_a_malformed_login_is_reported_without_its_text(
    world: World, entry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.set(auths={HOST: entry})
    with pytest.raises(RegistryFailed, match="settings give no login there") as failed:
        world.login()
    assert SECRET not in str(failed.value) + caplog.text


@pytest.mark.parametrize(
    ("output", "code", "message"),
    [
        (SECRET, 0, "output of their credential helper, is malformed"),
        (json.dumps({"Secret": SECRET}), 0, "output of their credential helper, is malformed"),
        (json.dumps([SECRET]), 0, "output of their credential helper, is malformed"),
        ("", 0, "output of their credential helper, is malformed"),
        (json.dumps({"Username": "me", "Secret": SECRET}), 1, "is malformed"),
        ("the store is locked", 1, "the store is locked"),
    ],
)
def test_a_helper_without_a_login_is_reported_without_secrets(
    world: World, output: str, code: int, message: str
) -> None:
    world.helper(f"echo '{output}'; exit {code}")
    with pytest.raises(RegistryFailed, match=message) as failed:
        world.login()
    assert SECRET not in str(failed.value)


@pytest.mark.parametrize("from_helper", [False, True], ids=["settings", "a helper"])
def test_an_unexpected_error_counts_as_a_malformed_login_at_once(
    world: World, from_helper: bool
) -> None:
    nested = world.settings.with_name("nested")
    nested.write_text("[" * 200_000 + SECRET)
    if from_helper:
        world.helper(f"exec cat {nested}")
    else:
        nested.rename(world.settings)
    with pytest.raises(RegistryFailed, match=r"is malformed \(RecursionError\)") as failed:
        world.login()
    assert SECRET not in str(failed.value)


def test_a_missing_helper_is_reported(world: World) -> None:
    world.set(credsStore="missing")
    with (
        pytest.warns(UserWarning, match="not installed"),
        pytest.raises(RegistryFailed, match="docker-credential-missing not installed"),
    ):
        world.login()


def test_a_helper_that_hangs_is_given_up_at_the_limit(world: World) -> None:
    world.helper("exec sleep 20")
    checks: list[None] = []
    with pytest.raises(RegistryFailed, match="does not answer"):
        find_login(world.environ, HOST, lambda: checks.append(None), limit=0.1)
    assert 0 < len(checks) < 10, "it checks ten times a second"


def test_a_stop_ends_the_wait_for_a_helper(world: World) -> None:
    world.helper("exec sleep 20")

    def check() -> None:
        raise RegistryFailed("it was cut off")

    with pytest.raises(RegistryFailed, match="cut off"):
        find_login(world.environ, HOST, check)
