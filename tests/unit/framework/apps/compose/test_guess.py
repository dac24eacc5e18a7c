"""Which services of a compose file run, and which of them visitors reach."""

from collections.abc import Mapping

import pytest

from framework.apps.compose.images import is_database
from framework.apps.manifest import Bounds, ComposeFile, InvalidManifest, Manifest, read

BOUNDS = Bounds("shop", "", 8.0, 16384)
SOCKET = "volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']"


def read_text(text: str, toml: str = "", files: Mapping[str, str] | None = None) -> Manifest:
    opened = (files or {}).get
    file = ComposeFile("compose.yaml", text.encode(), open=opened)
    return read(f'compose = "compose.yaml"\n{toml}'.encode(), BOUNDS, file)


def running(text: str, toml: str = "", files: Mapping[str, str] | None = None) -> list[str]:
    """Return the services that run, the application first; "" if the file has none."""
    run = read_text(text, toml, files).settings.run
    return [run.service, *sorted(one.name for one in run.companions)]


@pytest.mark.parametrize(
    ("image", "is_one"),
    [
        *((one, True) for one in ("postgres:17", "docker.io/library/redis", "bitnami/mysql-8")),
        *((one, True) for one in ("mysql8", "mcr.microsoft.com/mssql/server:2022", "a/postgres@x")),
        *(
            (one, True)
            for one in ("confluentinc/cp-kafka", "clickhouse/clickhouse-server", "neo4j")
        ),
        *((one, False) for one in ("mongo-express", "redis/redisinsight", "postgrest", "pgadmin4")),
        *((one, False) for one in ("prom/mysqld-exporter", "kafka-ui", "shop/web", "", "node:22")),
    ],
)
def test_images_that_no_visitor_asks_are_known_by_their_names(image: str, is_one: bool) -> None:
    assert is_database(image) == is_one


def test_a_database_is_never_guessed_to_be_the_application() -> None:
    text = "services: {search: {image: elasticsearch, ports: ['9200:9201']}, page: {image: kibana}}"
    assert running(text) == ["page", "search"]
    only = "services: {db: {image: postgres}, cache: {image: redis, ports: ['80:80']}}"
    assert running(only) == ["", "cache", "db"]
    assert not read_text(only).has_application
    assert running(only, 'compose_service = "cache"') == ["cache", "db"], "unless it is named"


PROFILES = (
    "services:\n  db: {image: postgres, profiles: [db]}\n  db2: {image: mysql, profiles: [db2]}\n"
    "  web:\n    build: .\n    ports: [80]\n    profiles: [web]\n"
    "    depends_on: {db: {condition: service_started, required: false}}\n"
    "  worker: {build: ., profiles: [work]}\n"
)


def test_an_application_behind_a_profile_is_taken_with_what_it_waits_for_and_said() -> None:
    assert running(PROFILES) == ["web", "db"]
    said = {one.message for one in read_text(PROFILES).notes}
    assert any(one.startswith("services.web: it is the application, with its pro") for one in said)
    way_on = "services.worker: it has the profile work, so it does not run: COMPOSE_PROFILES in the"
    assert any(one.startswith(way_on) for one in said)


def test_profiles_are_asked_for_in_the_variables_beside_the_file() -> None:
    assert running(PROFILES, files={".env": "COMPOSE_PROFILES=web,work"}) == ["web", "worker"]
    assert running(PROFILES, files={".env": "COMPOSE_PROFILES=*"}) == ["web", "db", "db2", "worker"]
    assert running(PROFILES, 'compose_service = "worker"') == ["worker"]


def test_what_the_file_asks_for_none_of_does_not_run() -> None:
    text = (
        "services:\n  web: {build: ., ports: [80], depends_on: [a, b]}\n"
        "  a: {image: x, deploy: {replicas: 0}}\n  b: {image: x, scale: 0}\n"
    )
    assert running(text) == ["web"]


TRAEFIK = (
    f"services:\n  proxy: {{image: 'traefik:3', ports: ['80:80'], depends_on: [db], {SOCKET}}}\n"
    "  db: {image: postgres}\n  admin: {image: adminer, expose: [8080]}\n"
    "  api:\n    build: .\n    labels:\n"
    "      - traefik.http.services.api.loadbalancer.server.port=${PORT:-8000}\n      - other=$$x\n"
)


def test_a_proxy_that_would_ask_docker_is_left_out_and_its_labels_give_the_port() -> None:
    found = read_text(TRAEFIK)
    assert running(TRAEFIK) == ["api", "admin", "db"]
    assert found.settings.port == 8000
    assert "prevs itself leads visitors" in next(
        one.message for one in found.notes if one.message.startswith("services.proxy: ")
    )


@pytest.mark.parametrize("image", ["portainer/portainer-ce", "shop/traefik-like"])
def test_anything_else_that_asks_docker_is_refused(image: str) -> None:
    with pytest.raises(InvalidManifest, match="gives it the agent's Docker"):
        read_text(TRAEFIK.replace("'traefik:3'", image))
    with pytest.raises(InvalidManifest, match="gives it the agent's Docker"):
        read_text(TRAEFIK, 'compose_service = "proxy"')


def test_the_example_of_an_env_file_stands_in_for_one_that_is_not_committed() -> None:
    text = "services: {web: {build: ., env_file: web.env, environment: {A: '${A:?}'}}}"
    files = {".env.example": "A=1", "web.env.sample": "B=2"}
    found = read_text(text, files=files)
    assert found.settings.run.environment == {"A": "1", "B": "2"}
    assert [one.message for one in found.notes] == [
        "variables: .env is not in the commit: .env.example is read",
        "services.web.env_file: web.env is not in the commit: web.env.sample is read",
    ]
    assert read_text(text, files={**files, ".env": "A=3"}).settings.run.environment["A"] == "3"


def test_amounts_of_nothing_mean_that_the_file_sets_no_limit() -> None:
    none = "services: {web: {build: ., mem_limit: 0, cpus: '0', mem_swappiness: 0}}"
    limits = "services: {web: {build: ., deploy: {resources: {limits: {memory: '0', cpus: 0}}}}}"
    for text in (none, limits):
        settings = read_text(text).settings
        assert (settings.mem, settings.cpus) == (None, None)


def test_a_path_that_is_not_in_the_commit_is_a_volume_of_all_who_name_it() -> None:
    text = (
        "services:\n  web: {build: ., volumes: ['./up:/up', './conf:/conf']}\n"
        "  db: {image: postgres, volumes: ['./data:/data', '${NO}:/b', '/etc/localtime:/etc/lt']}\n"
        "  worker: {build: ., volumes: [{type: bind, source: ./up, target: /up}]}\n"
    )
    kinds = {"conf": "folder"}
    file = ComposeFile("compose.yaml", text.encode(), kind=lambda path: kinds.get(path, ""))
    run = read(b'compose = "compose.yaml"', BOUNDS, file).settings.run
    db, worker = run.companions
    assert [one.path for one in run.container.files] == ["/conf"]
    assert (set(db.volumes), db.container.files) == ({"/data", "/b"}, ())
    assert run.container.shared == worker.container.shared
    assert list(worker.container.shared) == ["/up"]
