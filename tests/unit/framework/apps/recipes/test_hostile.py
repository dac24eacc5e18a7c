"""Nothing of a repository leaves its line of the Dockerfile that prevs writes."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.apps import recipes
from framework.apps.recipes import Recipe
from tests.fakes.trees import Tree
from tests.unit.framework.apps.recipes.repositories import Files, package, recipe

EVIL = (
    "x\nRUN evil",
    "x\r\nRUN evil",
    'x"\nRUN evil #',
    "x\\\nRUN evil",
    "$(evil)",
    "`evil`",
    "${PATH:+evil}",
    "a; evil",
    "a && evil",
    "--from=evil",
    "--mount=type=bind,from=evil",
    "<<evil",
    "x\u2028RUN evil",
    "x\x00evil",
    "../evil",
    "/evil",
    "'evil",
    "# syntax=evil",
)

_INSTRUCTION = re.compile(r"#|(?:FROM|RUN|COPY|ENV|WORKDIR|USER|ENTRYPOINT|CMD)\s")


def check(found: Recipe) -> None:
    """Fail if a line is none that recipes write, or has something of EVIL outside of CMD."""
    lines = found.text.split("\n")
    assert lines.pop() == ""
    assert sum(line.startswith("CMD ") for line in lines) == 1
    assert all(_INSTRUCTION.match(line) for line in lines), found.text
    assert found.text.isascii()
    for line in lines[:-1]:
        assert "evil" not in line, line
        assert not line.endswith("\\")
    words = json.loads(lines[-1].removeprefix("CMD "))
    assert words[:2] == ["sh", "-c"] or words[0] == "caddy"
    assert all(why.isprintable() for why in found.why)


def repositories(text: str) -> list[Files]:
    """Return repositories with a text wherever a recipe takes something from one."""
    quoted = json.dumps(text)
    return [
        {"package.json": package(scripts={"start": text})},
        {"package.json": package(scripts={"start": "x"}, packageManager=f"pnpm@{text}")},
        {"package.json": package(scripts={"start": "x"}, engines={"node": text})},
        {"package.json": package(main=text), text: "listen(1)", "index.js": "listen(1)"},
        {
            "package.json": package(scripts={"build": "x"}, dependencies={"vite": "1"}),
            "vite.config.js": f"outDir: '{text}'",
        },
        {
            "package.json": package(scripts={"build": "x"}, dependencies={"@angular/core": "1"}),
            "angular.json": package(projects={text: {}}),
        },
        {"package.json": package(scripts={"start": "x"}), "Procfile": f"web: {text}"},
        {"package.json": package(scripts={"start": "x"}), ".nvmrc": f"20 {text}"},
        {"requirements.txt": f"-r {text}\n", text: "", "app.py": "app = Flask('x')"},
        {"requirements.txt": "", ".python-version": text, "app.py": f"app = Flask({quoted})"},
        {"requirements.txt": text, f"{text}/__init__.py": "app = Flask()", "main.py": "__main__"},
        {
            "pyproject.toml": f"[project]\ndependencies = [{quoted}]\nrequires-python = {quoted}",
            "app.py": "app = Flask('x')",
        },
        {
            "manage.py": f'django "DJANGO_SETTINGS_MODULE", "{text}.settings"',
            f"{text}/wsgi.py": "",
            "requirements.txt": "gunicorn",
        },
        {"go.mod": text, f"cmd/{text}/main.go": "package main", "cmd/z/main.go": "package main"},
        {"go.mod": "", f"{text}.go": "package main", "main.go": "package main"},
        {
            "Cargo.toml": f"[package]\nname={quoted}\ndefault-run={quoted}\n[[bin]]\nname='ok'",
            "src/main.rs": "",
        },
        {"Gemfile": f"ruby '{text}'\ngem 'puma'\ngem '{text}'", "config.ru": ""},
        {"Gemfile": "gem 'puma'", ".ruby-version": text, "config.ru": ""},
        {"composer.json": package(require={"php": text, f"ext-{text}": "*"}), "index.php": ""},
        {"pom.xml": f"<java.version>{text}</java.version>", "Procfile": f"web: {text}"},
        {"build.gradle": f"JavaLanguageVersion.of({text})"},
        {"deno.json": f'{{"tasks": {{"start": {quoted}}}}}'},
        {"index.html": text, f"{text}/index.html": ""},
    ]


@pytest.mark.parametrize("text", EVIL)
def test_names_and_scripts_stay_in_the_line_that_they_are_for(text: str) -> None:
    seen = 0
    for files in repositories(text):
        found = recipes.recognise(Tree(files))
        if isinstance(found, Recipe):
            check(found)
            seen += 1
    assert seen > 15


@given(st.text(min_size=1, max_size=40))
def test_whatever_stands_in_a_repository(text: str) -> None:
    for files in repositories(text):
        found = recipes.recognise(Tree(files))
        if isinstance(found, Recipe):
            lines = found.text.split("\n")
            assert lines.pop() == ""
            assert all(map(_INSTRUCTION.match, lines)), found.text
            assert [line[:4] for line in lines if line.startswith("CMD")] == ["CMD "]


@pytest.mark.parametrize(
    "line", ['echo "$PORT" \\', "printf '%s' \"a\\nb\"", "a # b", "é $(x) `y`"]
)
def test_what_a_procfile_says_arrives_as_it_is_at_the_shell(line: str) -> None:
    files = {"package.json": "{}", "Procfile": f"web: cd . && {line}"}
    last = recipe(files).text.rstrip("\n").split("\n")[-1]
    assert json.loads(last.removeprefix("CMD ")) == ["sh", "-c", f"cd . && {line}"]


def test_files_that_are_no_regular_files_say_nothing() -> None:
    assert not isinstance(recipes.recognise(Tree({"package.json": "-> /etc/passwd"})), Recipe)
    assert not isinstance(recipes.recognise(Tree({"index.html": None})), Recipe)


def test_a_huge_or_deep_file_says_nothing() -> None:
    for text in ("[" * 100_000, "1" * 300_000, '{"a":' * 50_000):
        files = {"package.json": text, "pyproject.toml": text, "Cargo.toml": text, "Pipfile": text}
        assert not isinstance(recipes.recognise(Tree(files)), Recipe)
