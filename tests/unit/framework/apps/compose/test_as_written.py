"""Compose files as people write them: what prevs takes of them, notes and refuses."""

import dataclasses

import pytest

from framework.apps.compose.env_files import read_env
from framework.apps.compose.interpolation import WrongForm, fill
from framework.apps.manifest import Bounds, ComposeFile, InvalidManifest, Manifest, read
from prevs.commit_settings import RunSettings
from prevs.companions import Companion
from prevs.containers import BuildSettings, ContainerSettings, MountedFile

BOUNDS = Bounds("shop", "", 8.0, 16384)
ONE = "services:\n  web: {build: ., ports: ['80:8000']}\n  db:\n    image: x\n"
FILES = {
    ".env": "TAG=17\nexport NAME='a b' \n# no\nEMPTY=\nTWICE=${TAG}-${TAG}\n",
    "web.env": 'A="1" # one\nB=two # two\nPORT=1',
}


def read_text(text: str, toml: str = 'compose = "compose.yaml"') -> Manifest:
    file = ComposeFile("compose.yaml", text.encode(), open=FILES.get)
    return read(toml.encode(), BOUNDS, file)


def run_of(text: str) -> RunSettings:
    return read_text(text).settings.run


def companion(text: str) -> Companion:
    (found,) = run_of(ONE + text).companions
    return found


@pytest.mark.parametrize(
    "key",
    [
        *("restart: always", "logging: {driver: x}", "labels: [a=b]", "ulimits: {nofile: 9}"),
        *("init: true", "security_opt: [a]", "networks: [a]", "stdin_open: true", "tty: true"),
        *("extra_hosts: ['a:1']", "dns: 1.1.1.1", "platform: linux/amd64", "pull_policy: always"),
        *("deploy: {replicas: 2}", "develop: {watch: []}", "network_mode: bridge"),
    ],
)
def test_what_has_no_effect_is_a_note_with_its_line(key: str) -> None:
    found = read_text(f"{ONE}    {key}\n")
    (note,) = [one for one in found.notes if one.line == 5]
    assert note.message.startswith(f"services.db.{key.partition(':')[0]}")
    assert found.settings == read_text(ONE).settings


@pytest.mark.parametrize(
    ("key", "way_on"),
    [
        ("privileged: true", "leave it out"),
        ("network_mode: host", "reach each other by their names"),
        ("network_mode: service:web", "reach it by its service's name"),
        ("pid: host", "leave it out"),
        ("ipc: host", "leave it out"),
        ("devices: [/dev/x]", "leave it out"),
        ("cap_add: [SYS_ADMIN]", "leave it out"),
        ("volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']", "leads visitors"),
        ("volumes: ['/etc:/x']", "name a file of the repository"),
        ("volumes: ['~/x:/x']", "name a file of the repository"),
        ("volumes: ['../x:/x']", "name a file of the repository"),
        ("volumes: [{type: bind, source: ../x, target: /x}]", "name a file of the repository"),
        ("env_file: ../x", "name a path inside it"),
        ("extends: {file: a, service: b}", "names a, which is no file of the commit"),
        ("extends: {file: ../a, service: b}", "name a file inside it"),
        ("extends: other", "no service of compose.yaml; there are web, db"),
    ],
)
def test_what_leaves_the_preview_is_a_mistake_that_says_what_to_do(key: str, way_on: str) -> None:
    with pytest.raises(InvalidManifest) as raised:
        read_text(f"{ONE}    {key}\n")
    (mistake,) = raised.value.mistakes
    assert mistake.line == 5
    assert way_on in mistake.message


@pytest.mark.parametrize(
    ("text", "way_on"),
    [
        ("volumes: {a: {external: true}}", "prevs makes the volume"),
        ("secrets: {a: {file: /etc/passwd}}", "name a file of the repository"),
        ("include: [a.yaml]", "names a.yaml, which is no file of the commit"),
        ("include: [../a.yaml]", "name a file inside it"),
        ("include: ['https://example.com/a.git']", "name a file inside it"),
    ],
)
def test_what_is_outside_of_the_commit_is_a_mistake_at_the_top_too(text: str, way_on: str) -> None:
    with pytest.raises(InvalidManifest, match=way_on):
        read_text(f"{ONE}{text}\n")


@pytest.mark.parametrize(
    ("key", "own"),
    [
        ("entrypoint: sh -c 'a b'", ContainerSettings(entrypoint=("sh", "-c", "a b"))),
        ("entrypoint: []", ContainerSettings(entrypoint=())),
        ("user: '1000:1000'", ContainerSettings(user="1000:1000")),
        ("working_dir: /app/", ContainerSettings(folder="/app")),
        ("tmpfs: ['/run:size=64m', /x]", ContainerSettings(tmpfs={"/run": 64, "/x": 0})),
        ("tmpfs: /run", ContainerSettings(tmpfs={"/run": 0})),
        ("shm_size: 1gb", ContainerSettings(shared_memory=1024)),
        ("stop_signal: SIGINT", ContainerSettings(stop_signal="SIGINT")),
        ("stop_grace_period: 1m30s", ContainerSettings(stop_grace=90.0)),
        ("container_name: shop_db", ContainerSettings(names=("shop_db",))),
        ("hostname: data", ContainerSettings(names=("data",))),
        ("networks: {a: {aliases: [pg]}}", ContainerSettings(names=("pg",))),
        ("volumes: ['./conf:/conf:ro', '.:/app']", ContainerSettings(files=(
            MountedFile("/conf", "conf", read_only=True), MountedFile("/app", ".")))),
        ("volumes: [{type: tmpfs, target: /t, tmpfs: {size: 32m}}]",
         ContainerSettings(tmpfs={"/t": 32})),
        ("volumes: [/etc/localtime:/etc/localtime:ro]", ContainerSettings()),
    ],
)  # fmt: skip
def test_what_a_container_has_of_its_own(key: str, own: ContainerSettings) -> None:
    assert companion(f"    {key}\n").container == own


def test_amounts_checks_and_ports_of_a_companion() -> None:
    found = companion(
        "    mem_limit: 1g\n    cpus: '0.5'\n    volumes: [/data]\n    ports:\n"
        "      - {target: 8080, published: 80}\n"
        "    healthcheck: {test: x, interval: 10s, timeout: 5s, retries: 5, start_period: 20s}\n"
    )
    assert (found.mem, found.cpus, found.port, found.volumes) == (1024, 0.5, 8080, ("/data",))
    assert (found.ready_every, found.ready_limit) == (10.0, 95.0)
    assert companion("    read_only: true\n").read_only
    limits = "    deploy: {resources: {limits: {memory: 300M, cpus: 0.25}}}\n"
    assert (companion(limits).mem, companion(limits).cpus) == (300, 0.25)
    assert companion("    ports: ['5432:5432']\n").port == 0


def test_variables_have_the_values_of_the_env_file() -> None:
    run = run_of(
        "services:\n  web:\n    build: .\n    env_file: [web.env, {path: no.env}]\n"
        "    environment:\n      A: '${TAG}'\n      C: $NAME\n      D: '${NO:-${EMPTY:-x}}'\n"
        "      E: '${EMPTY-x}${EMPTY:+y}${TAG:+z}'\n      F: $$HOME ${NO}\n      G: true\n"
        "      H: 1.50\n      I:\n      TAG:\n      J: ${TWICE}\n"
    )
    assert run.environment == {
        "A": "17",
        "B": "two",
        "C": "a b",
        "D": "x",
        "E": "z",
        "F": "$HOME ",
        "G": "true",
        "H": "1.50",
        "TAG": "17",
        "J": "17-17",
    }


def test_a_variable_that_nobody_sets_and_a_file_that_is_not_there_are_notes() -> None:
    found = read_text(f"{ONE}    environment: {{A: $NO}}\n    env_file: no.env\n")
    said = [one.message for one in found.notes if one.line >= 5]
    assert said == [
        "services.db.environment.A: NO is not set here, so it is empty",
        "services.db.env_file: no.env is not in the commit: set its variables with prevs env set",
    ]


def test_secrets_and_configs_are_files_of_the_container() -> None:
    found = companion(
        "    secrets: [key, {source: token, target: /t}]\n    configs: [conf]\n"
        "secrets: {key: {file: ./key.txt}, token: {environment: TOKEN}}\n"
        "configs: {conf: {content: a=$TAG}}\n"
    )
    assert found.container.files == (
        MountedFile("/run/secrets/key", source="key.txt", read_only=True),
        MountedFile("/t", secret="TOKEN", read_only=True),  # its name
        MountedFile("/conf", text="a=17", read_only=True),
    )


def test_services_have_builds_of_their_own() -> None:
    run = run_of(
        "services:\n  web: {image: '${NO:?}', build: {context: web, args: [A=1]}, ports: [80]}\n"
        "  api: {build: {context: api, target: x, args: {B: 2}}}\n  twin: {build: web}\n"
    )
    builds = {one.name: one.build for one in run.companions}
    assert builds == {
        "api": BuildSettings("api/Dockerfile", "api", "x", {"B": "2"}),
        "twin": BuildSettings("web/Dockerfile", "web"),
    }
    assert (run.service, run.apart) == ("web", True)


@pytest.mark.parametrize(
    ("services", "application"),
    [
        ("{a: {image: x}, b: {build: .}}", "b"),
        ("{db: {image: x, ports: ['5432:5432']}, web: {image: y, ports: [80]}}", "web"),
        ("{vote: {build: a, ports: [80]}, result: {build: b, ports: [81]}}", "vote"),
        ("{api: {build: ., ports: [81]}, front: {build: f, ports: [80], depends_on: [api]}}",
         "front"),
        ("{app: {build: .}, nginx: {image: x, ports: [80], depends_on: [app]}}", "nginx"),
        ("{db: {image: x}, tool: {image: y, ports: [5050], depends_on: [db]}, "
         "web: {build: ., ports: [80]}}", "web"),
        ("{job: {build: .}, web: {build: ., depends_on: "
         "{job: {condition: service_completed_successfully}}}}", "web"),
        ("{web: {build: .}, off: {build: b, ports: [80], profiles: [x]}}", "web"),
    ],
)  # fmt: skip
def test_which_service_is_the_application_is_guessed_and_said(
    services: str, application: str
) -> None:
    found = read_text(f"services: {services}")
    assert found.settings.run.service == application
    said = [one.message for one in found.notes if "it is the application" in one.message]
    assert all(one.startswith(f"services.{application}: ") for one in said)
    assert said or "profiles" in services


def test_an_application_may_be_an_image_alone() -> None:
    found = read_text("services: {web: {image: wordpress, ports: ['80:80'], mem_limit: 512m}}")
    run = found.settings.run
    assert (run.image, found.settings.port, found.settings.mem) == ("wordpress", 80, 512)


def test_a_program_without_a_shell_has_variables_with_dots() -> None:
    run = run_of("services: {web: {image: x, environment: [discovery.seed_hosts=a, B=c]}}")
    assert run.environment == {"discovery.seed_hosts": "a", "B": "c"}


def test_a_volume_of_two_services_is_shared_and_others_are_their_own() -> None:
    run = run_of(f"{ONE}    volumes: [a:/a, b:/b]\n  c: {{image: y, volumes: [a:/z]}}\n"
                 "volumes: {a: , b: {driver: local}}\n")  # fmt: skip
    assert [(one.volumes, one.container.shared) for one in run.companions] == [
        (("/b",), {"/a": "a"}),
        ((), {"/z": "a"}),
    ]


def test_what_runs_once_and_what_has_a_profile() -> None:
    run = run_of(
        f"{ONE}    depends_on: {{init: {{condition: service_completed_successfully}}}}\n"
        "  off: {image: '${NO:?}', privileged: true, profiles: [a]}\n"
        "  init: {image: y, profiles: [a]}\n"
    )
    assert [(one.name, one.once, one.after) for one in run.companions] == [
        ("init", True, ()),
        ("db", False, ("init",)),
    ]


def test_each_published_port_of_pages_is_one_that_visitors_reach() -> None:
    """The shape of the voting app: two web interfaces, a database, and what runs once."""
    text = (
        "services:\n"
        "  vote: {build: ., ports: ['5000:80'], depends_on: [db]}\n"
        "  result: {build: result, ports: ['5001:80'], depends_on: [db]}\n"
        "  db: {image: 'postgres:17', ports: ['5432:5432']}\n"
        "  seed: {image: seed, ports: ['5002:80']}\n"
        "  admin: {image: admin, expose: ['80']}\n"
        "  last: {image: x, depends_on: {seed: {condition: service_completed_successfully}}}\n"
    )
    found = read_text(text, 'compose = "compose.yaml"\n[companions.admin]\nport = 80')
    assert (found.settings.port, found.settings.run.service) == (80, "vote")
    services = {one.name: one.port for one in found.settings.run.services}
    assert services == {"result": 80, "admin": 80}
    assert found.settings.run.apart, "so all may listen at one port"


def test_the_port_may_be_a_variable_as_prevs_sets_that_itself() -> None:
    found = read_text("services: {web: {build: ., environment: {PORT: 3000}}}")
    assert (found.settings.port, found.settings.run.environment) == (3000, {})


def test_values_that_double_from_line_to_line_do_not_take_all_memory() -> None:
    lines = ["V0=xxxxxxxx", *(f"V{n}=${{V{n - 1}}}${{V{n - 1}}}" for n in range(1, 60))]
    values = read_env("\n".join(lines), {})
    assert max(map(len, values.values())) == 8192
    with pytest.raises(WrongForm, match="more than 131,072 characters"):
        fill("$V10" * 1000, values)


def test_a_service_extends_another_one_of_the_file() -> None:
    run = run_of(
        "services:\n  base:\n    image: x\n"
        "    environment: [A=1, B=1]\n    command: [a]\n    volumes: [/a]\n"
        "  web: {build: ., ports: [80]}\n"
        "  next: {extends: base, volumes: [/b]}\n"
        "  last:\n    extends: {service: next, file: ./compose.yaml}\n"
        "    environment: {B: 2}\n    command: [b]\n"
    )
    base, following, last = run.companions
    assert following == dataclasses.replace(base, name="next", volumes=("/a", "/b"))
    assert (last.environment, last.command) == ({"A": "1", "B": "2"}, ("b",))
    assert (last.image, last.volumes) == ("x", ("/a", "/b"))


def test_services_that_extend_each_other_are_a_mistake() -> None:
    circle = "web, which extends db, which extends web"
    with pytest.raises(InvalidManifest, match=circle):
        read_text("services: {web: {build: ., extends: db}, db: {image: x, extends: web}}")
