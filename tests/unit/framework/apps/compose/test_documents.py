"""Compose files of several files: overrides, `include` and `extends`.

Their facts are those of compose itself: what its reference implementation makes of such files.
"""

from collections.abc import Mapping, Sequence

import pytest

from framework.apps import description
from framework.apps.compose.documents.merge import merge
from framework.apps.compose.yaml_tree import Listing, Node, Scalar, read_tree
from framework.apps.manifest import InvalidManifest
from prevs.commit_settings import RunSettings
from prevs.records import AppRecord
from tests.fakes.trees import Tree

APP = AppRecord("shop", "/srv/shop", max_cpus=8.0, max_mem=16384)


def plain(node: Node) -> object:
    """Return a node as Python has it, without its lines."""
    if isinstance(node, Scalar):
        return None if node.is_null else node.text
    if isinstance(node, Listing):
        return [plain(one) for one in node.entries]
    return {name: plain(value) for name, (_, value) in node.entries.items()}


def merged(below: str, over: str) -> object:
    """Return a service's keys of a file with those of its override."""
    first, second = (read_tree(f"services: {{web: {text}}}") for text in (below, over))
    whole = plain(merge(first, second))
    assert isinstance(whole, dict)
    return whole["services"]["web"]


@pytest.mark.parametrize(
    ("below", "over", "whole"),
    [
        ("{image: a, user: x}", "{image: b}", {"image": "b", "user": "x"}),
        ("{image: a}", "{image: }", {"image": "a"}),
        ("{command: [a, b]}", "{command: [c]}", {"command": ["c"]}),
        ("{command: a}", "{command: [c]}", {"command": ["c"]}),
        ("{entrypoint: [a]}", "{entrypoint: []}", {"entrypoint": []}),
        ("{healthcheck: {test: [CMD, a], retries: 1}}", "{healthcheck: {test: x}}",
         {"healthcheck": {"test": "x", "retries": "1"}}),
        ("{environment: [A=1, B=1]}", "{environment: {B: 2, C: }}",
         {"environment": {"A": "1", "B": "2", "C": None}}),
        ("{environment: {A: 1}}", "{environment: [A=3, E=, N]}",
         {"environment": {"A": "3", "E": "", "N": None}}),
        ("{build: .}", "{build: {target: x, args: {A: 1}}}",
         {"build": {"context": ".", "target": "x", "args": {"A": "1"}}}),
        ("{build: {args: [A=1]}}", "{build: {args: {A: 2}}}", {"build": {"args": {"A": "2"}}}),
        ("{depends_on: [a, b]}", "{depends_on: {b: {condition: service_healthy}}}",
         {"depends_on": {"a": {}, "b": {"condition": "service_healthy"}}}),
        ("{networks: [a]}", "{networks: {b: {aliases: [x]}}}",
         {"networks": {"a": {}, "b": {"aliases": ["x"]}}}),
        ("{ports: ['9080:80', '81:81', '5000']}", "{ports: ['9080:80', '9080:60/udp']}",
         {"ports": ["9080:80", "81:81", "5000", "9080:60/udp"]}),
        ("{ports: [{target: 80, published: 1}]}", "{ports: [{target: 80, published: 1, mode: x}]}",
         {"ports": [{"target": "80", "published": "1", "mode": "x"}]}),
        ("{volumes: ['.:/foo', 'foo:/bar']}", "{volumes: ['src:/foo/', {target: /bar}]}",
         {"volumes": ["src:/foo/", {"target": "/bar"}]}),
        ("{secrets: [foo, bar]}", "{secrets: [{source: zot, target: /run/secrets/foo}]}",
         {"secrets": [{"source": "zot", "target": "/run/secrets/foo"}, "bar"]}),
        ("{env_file: foo.env}", "{env_file: [bar.env, {path: foo.env}]}",
         {"env_file": [{"path": "foo.env"}, "bar.env"]}),
        ("{tmpfs: /a}", "{tmpfs: [/b, /a]}", {"tmpfs": ["/a", "/b"]}),
        ("{profiles: [a]}", "{profiles: [a, b]}", {"profiles": ["a", "b"]}),
        ("{expose: [80]}", "{expose: ['80', 81]}", {"expose": ["80", "81"]}),
        ("{ports: [80], image: a}", "{ports: !reset [], image: !reset null}", {}),
        ("{ports: [80]}", "{ports: !override [81]}", {"ports": ["81"]}),
        ("{environment: {A: 1, B: 2}}", "{environment: {A: !reset null}}",
         {"environment": {"B": "2"}}),
        ("{build: {context: ., target: x}}", "{build: !override {context: y}}",
         {"build": {"context": "y"}}),
    ],
)  # fmt: skip
def test_an_override_is_merged_as_compose_does(below: str, over: str, whole: object) -> None:
    assert merged(below, over) == whole


def run_of(files: Mapping[str, str], app: AppRecord = APP) -> RunSettings:
    return description.read(Tree(files, app.folder), app).manifest.settings.run


def wrong(files: Mapping[str, str]) -> Sequence[tuple[int, str]]:
    with pytest.raises(InvalidManifest) as raised:
        description.read(Tree(files), APP)
    return [(one.line, one.message) for one in raised.value.mistakes]


WEB = "services: {web: {build: ., ports: [80]}}"


def test_overrides_are_those_that_the_settings_file_names_and_paths_begin_at_the_first() -> None:
    over = (
        "services:\n  web: {environment: {A: 1}, volumes: ['./conf:/conf']}\n"
        "  db: {image: x}\n  old: !reset null\n"
    )
    files = {
        "deploy/compose.yaml": "services: {web: {build: ., ports: [80]}, old: {image: y}}",
        "more/over.yaml": over,
        "deploy/conf": "",
        ".prevs.toml": 'compose = ["deploy/compose.yaml", "more/over.yaml"]',
    }
    found = description.read(Tree(files), APP).manifest.settings
    assert found.source == "deploy/compose.yaml, more/over.yaml"
    assert [one.name for one in found.run.companions] == ["db"]
    assert found.run.environment == {"A": "1"}
    assert [one.source for one in found.run.container.files] == ["deploy/conf"]


def test_an_override_for_the_own_machine_is_not_taken_by_itself_and_named() -> None:
    files = {"compose.yaml": WEB, "compose.override.yml": "services: {web: {user: x}}"}
    found = description.read(Tree(files), APP).manifest
    assert found.settings.run.container.user == ""
    assert found.notes[0].message.startswith("compose.override.yml is not read: compose in")


def test_mistakes_in_other_files_have_their_own_lines() -> None:
    files = {
        "compose.yaml": f"include:\n  - db.yaml\n{WEB}",
        "db.yaml": "services:\n  db:\n    image: x\n    privileged: true\n",
        "over.yaml": "services:\n  web:\n    mem_limit: much\n    volumes: [x]\n",
        ".prevs.toml": 'compose = ["compose.yaml", "over.yaml"]',
    }
    assert wrong(files) == [
        (1, "over.yaml, line 3: services.web.mem_limit must be an amount like 512m, not much"),
        (1, "over.yaml, line 4: services.web.volumes, entry 1 must be at an absolute path in the "
         "container, like /data"),
        (2, "db.yaml, line 4: services.db.privileged is more than a container may: leave it out; "
         "what needs it cannot run here"),
    ]  # fmt: skip
    files["db.yaml"] = "services: ["
    (first, *_) = wrong({**files, ".prevs.toml": ""})
    assert first[0] == 2
    assert first[1].startswith("include, entry 1 names db.yaml, whose line 1 is not YAML")


def test_included_files_have_paths_and_variables_of_their_own() -> None:
    files = {
        "compose.yaml": (
            "include:\n  - parts/db.yaml\n"
            "  - {path: [parts/a.yaml, parts/b.yaml], project_directory: ., env_file: one.env}\n"
            "services:\n  web: {build: ., ports: [80], depends_on: [db]}\n  a: {user: me}\n"
        ),
        ".env": "SHARED=main",
        "one.env": "TAG=1",
        "parts/.env": "SHARED=parts\nTAG=17",
        "parts/db.yaml": (
            "services: {db: {image: 'db:${TAG}', environment: ['S=${SHARED}'], "
            "volumes: ['./init:/init', 'data:/data']}}\nvolumes: {data: }"
        ),
        "parts/init/x.sql": "",
        "parts/a.yaml": "services: {a: {image: 'a:${TAG}', volumes: ['./init:/init']}}",
        "parts/b.yaml": "services: {a: {command: [go]}}",
        "init/y": "",
    }
    run = run_of(files)
    db, a = sorted(run.companions, key=lambda one: one.name, reverse=True)
    assert (db.image, db.environment, db.volumes) == ("db:17", {"S": "main"}, ("/data",))
    assert [one.source for one in db.container.files] == ["parts/init"]
    assert (a.image, a.command, a.container.user) == ("a:1", ("go",), "me")
    assert [one.source for one in a.container.files] == ["init"]


def test_services_extend_those_of_other_files_with_paths_that_begin_there() -> None:
    files = {
        "compose.yaml": (
            "services:\n  web:\n    extends: {file: base/common.yaml, service: app}\n"
            "    ports: [80]\n    environment: {B: 2}\n"
        ),
        ".env": "V=1",
        "base/common.yaml": (
            "services:\n  app:\n    extends: {file: deep/x.yaml, service: root}\n"
            "    build: .\n    environment: ['A=${V}', B=1]\n"
        ),
        "base/deep/x.yaml": "services: {root: {user: me, env_file: x.env}}",
        "base/deep/x.env": "C=3",
    }
    found = description.read(Tree(files), APP).manifest.settings
    assert (found.build.context, found.build.dockerfile) == ("base", "base/Dockerfile")
    assert found.run.environment == {"A": "1", "B": "2", "C": "3"}
    assert found.run.container.user == "me"


@pytest.mark.parametrize(
    ("files", "chain"),
    [
        ({"compose.yaml": f"include: [a.yaml]\n{WEB}", "a.yaml": "include: [b.yaml]",
          "b.yaml": "include: [compose.yaml]"},
         "compose.yaml, which includes a.yaml, which includes b.yaml, which includes compose.yaml"),
        ({"compose.yaml": "services: {web: {build: ., extends: {file: a.yaml, service: x}}}",
          "a.yaml": "services: {x: {extends: {file: compose.yaml, service: web}}}"},
         "web of compose.yaml, which extends x of a.yaml, which extends web of compose.yaml"),
    ],
)  # fmt: skip
def test_files_that_lead_to_each_other_are_a_mistake_with_the_chain(
    files: Mapping[str, str], chain: str
) -> None:
    assert any(chain in message for _, message in wrong(files))


def test_nothing_leads_out_of_the_commit() -> None:
    files = {
        "compose.yaml": f"include: [link.yaml, {{path: a.yaml, project_directory: ../..}}]\n{WEB}",
        "link.yaml": "-> /etc/passwd",
        "a.yaml": WEB,
    }
    assert [message for _, message in wrong(files)] == [
        "include, entry 1 names link.yaml, which is no file of the commit",
        "include, entry 2 names ../.., which leaves the repository: name a file inside it",
    ]


def test_many_files_and_many_values_are_refused() -> None:
    entries = ", ".join(f"f{n}.yaml" for n in range(30))
    many = {f"f{n}.yaml": "services: {}" for n in range(30)}
    files = {"compose.yaml": f"include: [{entries}]\n{WEB}", **many}
    assert "include, entry 21 is one file too many" in wrong(files)[0][1]
    base = f"base: {{image: x, environment: [{', '.join(f'A{n}=1' for n in range(3000))}]}}"
    services = "".join(f"  s{n}: {{extends: base}}\n" for n in range(500))
    large = {"compose.yaml": f"services:\n  web: {{build: .}}\n  {base}\n{services}"}
    assert any("makes more than 20,000 values" in message for _, message in wrong(large))


def test_a_service_may_be_named_for_a_compose_file_that_is_found() -> None:
    files = {
        "compose.yaml": "services: {web: {build: ., ports: [80]}, api: {build: b}}",
        ".prevs.toml": 'compose_service = "api"',
    }
    assert run_of(files).service == "api"
