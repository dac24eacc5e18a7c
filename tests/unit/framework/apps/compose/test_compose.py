"""A commit's settings, from its compose file and its .prevs.toml."""

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from framework.apps.compose.file_text import MOST_COMPOSE_BYTES
from framework.apps.compose.interpolation import MOST_TEXT
from framework.apps.manifest import (
    Bounds,
    ComposeFile,
    InvalidManifest,
    Manifest,
    find_named,
    read,
)
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.containers import BuildSettings
from prevs.records import Mistake

BOUNDS = Bounds("shop", "services/web", 2.0, 2048)
TOML = 'compose = "compose.yaml"\n'
WHOLE = """\
version: "3.8"
name: shop
x-shared: &shared
  DEBUG: "true"

services:
  web:
    build: {context: app, dockerfile: docker/web, target: web}
    image: shop/web
    command: gunicorn "shop:app"
    environment: *shared
    depends_on:
      db: {condition: service_healthy}
      cache: {condition: service_started}
    ports: ["127.0.0.1:80:8000/tcp"]
    expose: [8000]
    volumes: ["media:/media"]
  worker:
    build: {context: app, dockerfile: docker/web, target: worker}
    command: [celery, worker]
    depends_on: [db, cache]
  db:
    image: postgres:17
    environment: ["POSTGRES_PASSWORD=a=$$b", N=]
    volumes: ["data:/var/lib/postgresql/data:rw"]
    healthcheck:
      test: ["CMD", "pg_isready", "-U", "postgres"]
  cache:
    image: redis:8
    healthcheck: {test: redis-cli ping}
volumes:
  data:
  media: {}
"""


def try_to_read(text: str | bytes, toml: str = TOML) -> Manifest | InvalidManifest:
    """Return what a compose file with a .prevs.toml says, or what is wrong."""
    data = text.encode() if isinstance(text, str) else text
    try:
        return read(toml.encode(), BOUNDS, ComposeFile("compose.yaml", data))
    except InvalidManifest as error:
        return error


def mistakes(text: str | bytes, toml: str = TOML) -> list[tuple[int, str]]:
    """Return the mistakes in a compose file, each with its line."""
    found = try_to_read(text, toml)
    assert isinstance(found, InvalidManifest)
    assert found.compose == "compose.yaml"
    return [(one.line, one.message) for one in found.mistakes]


def test_all_that_prevs_reads_of_a_compose_file() -> None:
    toml = f'{TOML}compose_service = "web"\nstay = true\n'
    found = try_to_read(WHOLE, toml)
    assert isinstance(found, Manifest)
    assert found.settings == CommitSettings(
        port=8000,
        build=BuildSettings(dockerfile="app/docker/web", context="app", target="web"),
        run=RunSettings(
            command=("gunicorn", "shop:app"),
            environment={"DEBUG": "true"},
            volumes=("/media",),
            stay=True,
            service="web",
            apart=True,
            companions=(
                Companion(
                    "db",
                    image="postgres:17",
                    environment={"POSTGRES_PASSWORD": "a=$b", "N": ""},
                    volumes=("/var/lib/postgresql/data",),
                    ready=("pg_isready", "-U", "postgres"),
                    mem=256,
                ),
                Companion("cache", image="redis:8", ready=("sh", "-c", "redis-cli ping")),
                Companion(
                    "worker",
                    target="worker",
                    command=("celery", "worker"),
                    after=("db", "cache"),
                ),
            ),
        ),
    )


def test_the_settings_file_wins_key_by_key() -> None:
    toml = TOML + (
        'compose_service = "web"\nport = 9000\n[build]\ntarget = "dev"\n'
        '[environment]\nDEBUG = "0"\nMORE = "1"\n[companions.db]\nmem = 512\n'
        'environment = { N = "2" }\nready = { port = 5432 }\n[companions.extra]\nimage = "x"\n'
    )
    found = try_to_read(WHOLE, toml)
    assert isinstance(found, Manifest)
    settings = found.settings
    assert (settings.port, settings.build.target, settings.build.context) == (9000, "dev", "app")
    assert settings.run.environment == {"DEBUG": "0", "MORE": "1"}
    db, *others = settings.run.companions
    assert (db.image, db.mem, db.ready, db.ready_port) == ("postgres:17", 512, (), 5432)
    assert db.environment == {"POSTGRES_PASSWORD": "a=$b", "N": "2"}
    assert [one.name for one in others] == ["cache", "worker", "extra"]


def test_the_paths_of_a_compose_file_begin_where_it_is() -> None:
    data = b"services: {web: {build: {context: ../app}}}"
    found = read(
        b'compose = "deploy/compose.yaml"', BOUNDS, ComposeFile("deploy/compose.yaml", data)
    )
    assert found.settings.build == BuildSettings(dockerfile="app/Dockerfile", context="app")


def test_a_companion_of_the_same_build_runs_in_the_same_image() -> None:
    text = "services: {web: {build: .}, worker: {build: ., command: work}}"
    found = try_to_read(text, f'{TOML}compose_service = "web"\n')
    assert isinstance(found, Manifest)
    assert found.settings.run.companions == (Companion("worker", command=("work",)),)


def test_names_that_lead_nowhere_else_get_a_label() -> None:
    found = try_to_read("services: {web: {build: .}, my_db: {image: x}, my-db: {image: y}}")
    assert isinstance(found, Manifest)
    names = [(one.name, one.container.names) for one in found.settings.run.companions]
    assert names == [("my-db-2", ("my_db",)), ("my-db", ())]


@pytest.mark.parametrize(
    ("toml", "path"),
    [
        ("", ()),
        ("port = 1", ()),
        ("compose = {}", ()),
        ("compose = '../../../x'", ()),
        ("compose = './deploy/../compose.yaml'", ("compose.yaml",)),
        ("compose = ['a.yaml', 'b.yaml']", ("a.yaml", "b.yaml")),
    ],
)
def test_which_files_are_to_be_read(toml: str, path: tuple[str, ...]) -> None:
    assert find_named(toml.encode(), BOUNDS).compose == path


ONE = "services:\n  web: {build: .}\n  db:\n    image: postgres\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("services:\n  web: {build: .}\n  db:\n    imag: x\n    image: y", 4,
         "services.db.imag is not known; did you mean image?"),
        (f"{ONE}    zzz: 1", 5,
         "services.db.zzz is no key of a compose file; leave it out, or begin it with x-"),
        ("- a", 1, "the file must be a table of keys, not a list"),
        ("volumes:", 1, "services is missing"),
        ("services:", 1, "services must be a table of keys, not empty"),
        ("services: {}", 1, "services has no service"),
        (f"{ONE}    command: 'a \"b'", 5, "services.db.command cannot be split into words (no "
         "closing quotation); write a list of words"),
        (f"{ONE}    command: [a, [b]]", 5, "services.db.command, entry 2 must be text, not a list"),
        (f"{ONE}    environment: {{A: 'x${{B:?}}'}}", 5, "services.db.environment.A needs a value "
         "of B: commit an .env file beside it with a value for previews, or give the app one: "
         "prevs env set"),
        (f"{ONE}    environment: {{A: 'x${{B'}}", 5,
         "services.db.environment.A has a ${ without its }: write $$ for a $"),
        (f"{ONE}    environment:\n      1A: x", 6, "services.db.environment.1A is not a variable's "
         "name: use letters, digits, _, . and -, and no digit first"),
        (f"{ONE}    depends_on: [x]", 5, "services.db.depends_on names x, which is no service; "
         "there are web, db"),
        (f"{ONE}    depends_on: [db]", 5,
         "services.db.depends_on makes a circle: db starts after db"),
        (f"{ONE}  a:\n    image: x\n    depends_on:\n      db: {{condition: done}}", 8,
         "services.a.depends_on.db.condition must be service_started, service_healthy, "
         "service_completed_successfully, not done"),
        (f"{ONE}    healthcheck:\n      test: [x]", 6, "services.db.healthcheck.test must begin "
         'with "CMD" or "CMD-SHELL", and go on after it'),
        (f"{ONE}    healthcheck:\n      test: x\n      interval: soon", 7,
         "services.db.healthcheck.interval must be like 1m30s, not soon"),
        (f"{ONE}    mem_limit: much", 5,
         "services.db.mem_limit must be an amount like 512m, not much"),
        (f"{ONE}    volumes: [x:/y]", 5,
         "services.db.volumes names x, which is not below volumes at the top"),
        (f"{ONE}    volumes: [x:/proc]\nvolumes: {{x: }}", 5, "services.db.volumes, entry 1 may "
         "not be at / or below /proc, /sys and /dev: they belong to the system"),
        (f"{ONE}    secrets: [x]", 5,
         "services.db.secrets names x, which is not below secrets at the top"),
        ("services:\n  web:\n    build: .\n    ports: ['a:b']", 4,
         'services.web.ports, entry 1 must be a port, like "8000:8000"'),
        ("services:\n  web:\n    build: ../../..", 3, "services.web.build has ../../.., which "
         "leaves the repository: name a path inside it"),
        ("services:\n  web: {build: .}\n  db: {}", 3,
         "services.db has neither image nor build"),
        (f"{ONE}".replace("postgres", "'a b'"), 4, "services.db.image is not the name of an "
         'image: write it as after FROM, like "postgres:17"'),
        ("services:\n  web: {image: 'a b'}", 2, "services.web.image is not the name of an "
         'image: write it as after FROM, like "postgres:17"'),
        (f"{ONE}  a b: {{image: x}}", 5, "services.a b is no name of a service: use at most 63 of "
         "a-z, A-Z, 0-9, _, . and -"),
        (f"{ONE}    volumes: ['a b:/y']\nvolumes: {{a b: }}", 5, "services.db.volumes names a b, "
         "which is no name of a volume: use at most 63 of a-z, A-Z, 0-9, _, . and -"),
        (f"{ONE}    entrypoint: \"a\\0\"", 5,
         "services.db.entrypoint has a character that no program takes"),
        (f"{ONE}secrets: {{a: {{environment: a b}}}}", 5,
         "secrets.a must name a variable with letters, digits and _"),
        ("services: {a: &x [*x]}", 1, "no value before it has the name &x"),
        (b"services:\n  \xff", 2, "is not UTF-8: save the file as UTF-8"),
        ("#" * (MOST_COMPOSE_BYTES + 1), 1,
         "the file has 262,145 bytes; at most 262,144 are allowed"),
        (f"{ONE}    environment: {{A: {'x' * MOST_TEXT}}}", 5, "the file has values of more than "
         "131,072 characters, with aliases: shorten it"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_line_and_what_to_write(
    text: str | bytes, line: int, message: str
) -> None:
    found = mistakes(text)
    assert (line, message) in found
    assert {one for one, _ in found} == {line}


def test_an_application_that_is_no_service_is_a_mistake_in_the_settings_file() -> None:
    found = try_to_read(ONE, f'\n{TOML}compose_service = "wep"\n')
    assert isinstance(found, InvalidManifest)
    wrong = Mistake(3, "compose_service is no service of the file; there are web, db")
    assert (found.compose, found.mistakes) == ("", (wrong,))


def test_the_mistakes_of_both_files_are_reported_at_once() -> None:
    found = try_to_read(f"{ONE}    privileged: true\n", f"prot = 1\n{TOML}")
    assert isinstance(found, InvalidManifest)
    assert found.compose == ""
    first, second = found.mistakes
    assert (first.line, second.line) == (1, 2)
    assert second.message.startswith(
        "compose.yaml, line 5: services.db.privileged is more than a container may"
    )


def test_all_that_containers_take_is_limited_with_a_compose_file_too() -> None:
    found = try_to_read(WHOLE, f'{TOML}compose_service = "web"\n[resources]\nmem = 2000\n')
    assert isinstance(found, InvalidManifest)
    assert found.mistakes[0].message.startswith("companions and the application take 2512 MB")
    assert found.mistakes[0].line == 1


@pytest.mark.parametrize("problem", ["is not in the commit", "is a folder; it must be a file"])
def test_a_file_that_cannot_be_read_is_a_mistake_in_the_settings_file(problem: str) -> None:
    with pytest.raises(InvalidManifest) as raised:
        read(TOML.encode(), BOUNDS, ComposeFile("compose.yaml", problem=problem))
    wrong = Mistake(1, f"compose names compose.yaml, which {problem}")
    assert (raised.value.compose, raised.value.mistakes) == ("", (wrong,))


KEYS = st.sampled_from(
    [
        *("services", "volumes", "x-a", "web", "db", "A"),
        *("image", "build", "command", "environment", "depends_on", "healthcheck", "ports"),
        *("env_file", "tmpfs", "deploy", "resources", "limits", "memory", "secrets", "configs"),
        *("networks", "aliases", "profiles", "entrypoint", "cap_add", "mem_limit", "user", "file"),
        *("type", "source", "target", "extends", "include", "<<", "interval", "external", "args"),
        *("expose", "context", "target", "dockerfile", "test", "condition"),
    ]
)
SHORT = (
    "web",
    "db",
    ".",
    "..",
    "x:/y",
    "80",
    "8000:80",
    "service_healthy",
    "CMD",
    "$A",
    "$$",
    "",
    "./x:/y:ro",
    "${A:-${B}}",
    "/z",
    "1m",
    "bind",
)
LEAVES = (
    st.sampled_from(SHORT)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=30
)


@given(ANYTHING)
def test_any_document_gives_settings_or_mistakes_with_lines(value: Any) -> None:
    check(yaml.safe_dump(value, allow_unicode=True))


@given(st.data())
def test_a_right_file_with_anything_in_it_gives_settings_or_mistakes_with_lines(
    data: st.DataObject,
) -> None:
    whole = copy.deepcopy(yaml.safe_load(WHOLE))
    at = whole
    while isinstance(at, dict) and at:
        key = data.draw(st.sampled_from(sorted(at)))
        if data.draw(st.booleans()):
            at[key] = data.draw(ANYTHING)
            break
        at = at[key]
    check(yaml.safe_dump(whole, allow_unicode=True))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_give_settings_or_mistakes_with_lines(data: bytes) -> None:
    check(data)


def check(text: str | bytes) -> None:
    """Check that a document becomes settings, or mistakes in lines that it has."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    for toml in (TOML, f'{TOML}compose_service = "web"\n'):
        found = try_to_read(data, toml)
        if isinstance(found, InvalidManifest):
            assert found.mistakes
            lines = data.count(b"\n") + data.count(b"\r") + 2 if found.compose else 2
            assert all(1 <= one.line <= lines and one.message for one in found.mistakes)
