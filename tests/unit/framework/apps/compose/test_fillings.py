"""Variables of the app in a compose file: they stand in it once a container starts."""

import dataclasses
from collections.abc import Collection, Mapping

import pytest

from framework.apps.app_secrets import AppSecrets, Variable
from framework.apps.compose.fillings import fill_in
from framework.apps.manifest import Bounds, ComposeFile, InvalidManifest, Manifest, read
from framework.apps.variable_scopes import GivenFor, VariableScope
from framework.attempts.tasks import give
from prevs.commit_settings import RunSettings
from prevs.containers import MountedFile
from tests.unit.executor.attempt.test_attempt import ATTEMPT

BOUNDS = Bounds("shop", "", 8.0, 16384)
FILE = """\
services:
  web:
    build: .
    ports: [8000]
    command: serve --key "${KEY}"
    entrypoint: [sh, -c, 'run $MODE']
    environment: ['URL=postgres://x:${PASSWORD:?set it}@db', 'MODE=${MODE:-dev}', PORT]
  db:
    image: postgres
    environment: {POSTGRES_PASSWORD: "${PASSWORD:?set it}", ONLY: , PLAIN: $$PASSWORD}
    healthcheck: {test: [CMD, pg_isready, $PASSWORD]}
  cache:
    image: redis
    command: [redis-server, --requirepass, "$PASSWORD"]
    healthcheck: {test: "redis-cli -a $PASSWORD ping"}
"""


def read_text(
    text: str, given: Collection[str] | None, toml: str = "", env: str = "MODE=test"
) -> Manifest:
    opened = {".env": env}.get
    file = ComposeFile("compose.yaml", text.encode(), open=opened, given=given)
    return read(f'compose = "compose.yaml"\n{toml}'.encode(), BOUNDS, file)


def filled(given: Mapping[str, str], toml: str = "") -> RunSettings:
    return fill_in(read_text(FILE, None, toml).settings.run, given)


def test_the_apps_variables_stand_where_the_file_names_them_and_win_over_its_env_file() -> None:
    run = filled({"PASSWORD": "p w", "KEY": 'a"b', "MODE": "live", "ONLY": "1"})
    assert run.environment == {"URL": "postgres://x:p w@db", "MODE": "live"}
    assert run.container.entrypoint == ("sh", "-c", "run live")
    cache, db = sorted(run.companions, key=lambda one: one.name)
    assert db.environment == {"POSTGRES_PASSWORD": "p w", "ONLY": "1", "PLAIN": "$PASSWORD"}
    assert db.ready == ("pg_isready", "p w")
    assert cache.command == ("redis-server", "--requirepass", "p w")
    assert cache.ready == ("sh", "-c", "redis-cli -a p w ping")
    assert filled({"KEY": "a b"}).command == ("serve", "--key", "a b")


def test_without_them_it_is_as_it_was_read() -> None:
    read_run = read_text(FILE, None).settings.run
    assert fill_in(read_run, {}) == read_run
    assert read_run.environment["MODE"] == "test"
    assert filled({"KEY": 'unbalanced "'}).command == read_run.command


def test_what_the_settings_file_says_is_not_filled_in() -> None:
    toml = '[environment]\nMODE = "own"\n[companions.cache]\ncommand = "x"\nready = ["y"]'
    run = filled({"MODE": "live", "PASSWORD": "p"}, toml)
    assert run.environment["MODE"] == "own"
    (cache,) = (one for one in run.companions if one.name == "cache")
    assert (cache.command, cache.ready) == (("x",), ("y",))


def test_a_variable_that_must_be_set_may_be_the_apps() -> None:
    assert read_text(FILE, {"PASSWORD", "KEY"}).settings.run.companions
    with pytest.raises(InvalidManifest) as raised:
        read_text(FILE, {"KEY"})
    assert raised.value.mistakes[0].message == (
        "services.web.environment, entry 1 needs a value of PASSWORD (set it): commit an .env file "
        "beside it with a value for previews, or give the app one: prevs env set"
    )
    told = [one.message for one in read_text(FILE, None).notes]
    assert (
        "services.db.environment.POSTGRES_PASSWORD: PASSWORD is not set here: the app's variable "
        "counts (prevs env set)"
    ) in told
    image = "services: {web: {image: 'x:${TAG:?}'}}"
    with pytest.raises(InvalidManifest, match="needs a value of TAG"):
        read_text(image, {"TAG"})


def test_only_a_commit_that_gets_variables_has_them_in_its_file() -> None:
    order = ATTEMPT.order
    run = read_text(FILE, None).settings.run
    branch = VariableScope(branches=("main",))
    given = AppSecrets(
        order.app,
        {
            "PASSWORD": Variable("secret", scope=branch),
            "MODE": Variable("live", secret=False),
            "KEY": Variable("k", scope=VariableScope(given_for=GivenFor.BUILD)),
        },
    )

    def passwords(*refs: str, trusted: bool = True) -> list[str]:
        made = give(dataclasses.replace(order, run=run, trusted=trusted), given, refs).run
        db = next(one for one in made.companions if one.name == "db")
        return [db.environment["POSTGRES_PASSWORD"], made.environment["MODE"], *made.command[2:]]

    assert passwords("heads/main") == ["secret", "live", ""]
    assert passwords("heads/other") == ["", "live", ""]
    assert passwords("heads/main", trusted=False) == ["", "test", ""]


def test_what_all_texts_have_together_is_limited() -> None:
    names = ", ".join(f"'V{n}=$BIG$BIG'" for n in range(100))
    run = read_text(f"services: {{web: {{build: ., environment: [{names}]}}}}", None).settings.run
    whole = fill_in(run, {"BIG": "x" * 30_000})
    assert sum(map(len, whole.environment.values())) <= 262_144


SECRET = (
    "services:\n  web: {build: ., secrets: [db-key]}\n"
    "secrets: {db-key: {file: ./key.txt}, unused: {file: ./no.txt}}\n"
)


def test_a_secrets_file_that_is_not_committed_is_the_apps_secret_or_a_mistake() -> None:
    def read_secret(given: Collection[str] | None) -> Manifest:
        file = ComposeFile("compose.yaml", SECRET.encode(), kind=lambda _: "", given=given)
        return read(b"", BOUNDS, file)

    for given in ({"DB_KEY"}, None):
        (found,) = read_secret(given).settings.run.container.files
        assert found == MountedFile("/run/secrets/db-key", secret="DB_KEY", read_only=True)
    with pytest.raises(InvalidManifest) as raised:
        read_secret({"OTHER"})
    (mistake,) = raised.value.mistakes
    assert mistake.message == (
        "services.web.secrets names db-key, whose file key.txt is not in the commit: commit a file "
        "with a value for previews, or give the app a secret: prevs env set APP DB_KEY=…"
    )


def test_texts_and_the_values_that_they_may_have_are_counted_together() -> None:
    names = ", ".join(f"'V{n}=${{BIG:+x}}'" for n in range(100))
    text = f"services: {{web: {{build: ., environment: [{names}]}}}}"
    with pytest.raises(InvalidManifest, match="more than 131,072 characters"):
        read_text(text, None, env=f"BIG={'x' * 8000}")
