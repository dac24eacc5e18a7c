"""What of a repository a preview is made of."""

import dataclasses
from collections.abc import Mapping

import pytest

from framework.apps import description
from framework.apps.manifest import InvalidManifest
from prevs.records import AppRecord
from tests.fakes.trees import Tree

APP = AppRecord("web", "/srv/mono", folder="services/web")
ROOT = AppRecord("web", "/srv/mono")
FOLDER = "services/web"
AT_ROOT = (".gitattributes", ".gitmodules", ".lfsconfig")
WIDE = '[build]\ncontext = "../.."\n'


def find(texts: Mapping[str, str | None], app: AppRecord = APP) -> tuple[str, ...]:
    """Return what a commit is made of, for an app."""
    return description.read(Tree(texts, app.folder), app).manifest.settings.watch


def in_folder(texts: Mapping[str, str | None]) -> Mapping[str, str | None]:
    return {f"{FOLDER}/{path}": text for path, text in texts.items()}


def test_an_app_with_a_folder_is_made_of_its_folder() -> None:
    assert find(in_folder({"Dockerfile": "FROM x\nCOPY . ."})) == (FOLDER, *AT_ROOT)


def test_an_app_at_the_root_is_made_of_everything_and_its_dockerfile_is_not_read() -> None:
    class Unread(Tree):
        def read(self, path: str, *, most: int) -> None:
            raise AssertionError(f"{path} was read")

    files = Unread({"Dockerfile": "FROM x\nCOPY web /web", "web/a": "", "docs/b": ""})
    own_port = dataclasses.replace(ROOT, port=80)  # a default one is looked for in the Dockerfile
    assert description.read(files, own_port).manifest.settings.watch == ()


@pytest.mark.parametrize(
    ("copies", "found"),
    [
        ("COPY . .", ()),
        ("COPY --chown=1:1 ./ /app", ()),
        ("RUN true", ()),
        ("COPY libs/$NAME /app", ()),
        ("COPY libs/ui /ui\nRUN --mount=target=/all true", ()),
        ("COPY libs/ui /ui\nRUN --mount=type=bind,source=. true", ()),
        ("COPY linked/ui /ui", ()),
        ("# syntax=example.org/own:1\nFROM x\nCOPY libs/ui /ui", ()),
        ("COPY libs/ui /ui", ("libs/ui",)),
        ("COPY libs/ui \\\n  services/web/src /app/", ("libs/ui",)),
        ("COPY --from=build /out /out\nADD /libs/ui /ui", ("libs/ui",)),
        ("RUN --mount=type=cache,target=/c true\nCOPY libs/ui/ /ui", ("libs/ui",)),
        ('COPY ["libs/ui", "libs/api", "/"]', ("libs/ui", "libs/api")),
        ("COPY package*.json ./", ("package*.json", "package*.json/**")),
    ],
)
def test_of_a_context_around_the_folder_it_is_made_of_what_the_dockerfile_copies(
    copies: str, found: tuple[str, ...]
) -> None:
    own = in_folder({".prevs.toml": WIDE, "Dockerfile": copies, "src/a": ""})
    others = {"libs/ui/a": "", "libs/api/b": "", "linked": "-> libs", "docs/README.md": ""}
    watch = find({**own, **others})
    assert watch[: len(found)] == found
    assert bool(watch) is bool(found)
    if watch:  # what describes it always counts
        assert {f"{FOLDER}/{one}" for one in (".prevs.toml", "Dockerfile", "compose.yaml")} <= {
            *watch
        }
        assert ".dockerignore" in watch


def test_a_context_that_is_another_folder_counts_as_a_whole_unless_a_link_leads_there() -> None:
    own = in_folder({".prevs.toml": '[build]\ncontext = "../all"\n', "Dockerfile": "COPY a /a"})
    assert find({**own, "services/all/a": ""})[0] == "services/all"
    assert find({**own, "services/all": "-> ../elsewhere"}) == ()


def test_of_a_compose_file_all_builds_and_files_count_and_what_it_was_read_from() -> None:
    text = """
    services:
      web: {build: ., ports: ['80'], depends_on: [db], env_file: [../../shared.env]}
      worker: {build: ../worker}
      db: {image: postgres, volumes: ['../../db/init.sql:/init.sql:ro']}
    """
    own = in_folder({"compose.yaml": text, "Dockerfile.x": "", "a": ""})
    others = {"services/worker/Dockerfile": "", "db/init.sql": "", "shared.env": "A=1"}
    watch = find({**own, **others})
    assert {FOLDER, "services/worker", "db/init.sql", "shared.env"} <= {*watch}


@pytest.mark.parametrize("app", [APP, ROOT])
def test_what_a_commit_names_counts_from_the_root_on_with_what_describes_it(
    app: AppRecord,
) -> None:
    place = f"{app.folder}/" if app.folder else ""
    named = 'watch = ["src/**", "libs/ui/", "app/[id]", "*.json"]'
    watch = find({f"{place}.prevs.toml": named, f"{place}Dockerfile": "COPY . ."}, app)
    assert watch[:4] == ("src/**", "libs/ui", "app/\\[id]", "app/\\[id]/**")
    assert {"*.json", "*.json/**", f"{place}.prevs.toml", f"{place}Dockerfile"} <= {*watch}


def test_who_names_everything_has_everything() -> None:
    own = {".prevs.toml": 'watch = ["**"]', "Dockerfile": "FROM x"}
    assert find(in_folder(own)) == ()


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("../libs", "must begin at the root of the repository"),
        ("/libs", "must begin at the root of the repository"),
        ("!docs/**", "must be what is watched"),
        (":(exclude)docs", "must be what is watched"),
        ("", "must be a path or a pattern"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(InvalidManifest) as caught:
        find(in_folder({".prevs.toml": f'watch = ["{pattern}"]', "Dockerfile": ""}))
    assert says in caught.value.mistakes[0].message
