"""Dockerfiles that are not where they are expected, and the ports that they expose."""

import pytest

from framework.apps.recipes import Found, exposed_port, find_dockerfile
from tests.fakes.trees import Tree
from tests.unit.framework.apps.recipes.repositories import Files


@pytest.mark.parametrize(
    ("files", "path", "context"),
    [
        ({"Dockerfile": "", "Containerfile": "", "docker/Dockerfile": ""}, "Dockerfile", "."),
        ({"Dockerfile": "-> docker/x"}, "Dockerfile", "."),
        ({"Containerfile": "", "web/Dockerfile": ""}, "Containerfile", "."),
        ({"docker/Dockerfile": "", "web/Dockerfile": ""}, "docker/Dockerfile", "."),
        ({"web/Dockerfile": "COPY . ."}, "web/Dockerfile", "web"),
        ({"web/Containerfile": "COPY app.py /"}, "web/Containerfile", "web"),
        ({"web/Dockerfile": "COPY go.mod ./", "go.mod": ""}, "web/Dockerfile", "."),
        ({"web/Dockerfile": 'ADD ["./web/a", "/"]', "web/a": ""}, "web/Dockerfile", "."),
        ({"web/Dockerfile": "COPY --from=x go.mod /", "go.mod": ""}, "web/Dockerfile", "web"),
        ({"web/Dockerfile": "COPY a b", "a": "", "web/a": ""}, "web/Dockerfile", "web"),
        ({"web/Dockerfile": "COPY --chown=1 \\\n  a b", "a": ""}, "web/Dockerfile", "."),
        (
            {"web/Dockerfile": "", "tests/Dockerfile": "", ".ci/Dockerfile": ""},
            "web/Dockerfile",
            "web",
        ),
    ],
)
def test_a_dockerfile_is_found_with_its_context(files: Files, path: str, context: str) -> None:
    found = find_dockerfile(Tree(files))
    assert found is not None
    assert found[:2] == (path, context)
    assert path in found.why


def test_a_context_around_the_folder_is_explained() -> None:
    found = find_dockerfile(Tree({"web/Dockerfile": "COPY go.mod ./", "go.mod": ""}))
    why = "web/Dockerfile is the only Dockerfile, and copies go.mod, which is not in web/"
    assert found == Found("web/Dockerfile", ".", why)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"web/Dockerfile": "", "api/Dockerfile": ""},
        {"tests/Dockerfile": ""},
        {"web/deep/Dockerfile": ""},
        {"web/Dockerfile": "-> ../x"},
        {"a b/Dockerfile": ""},
        {"Dockerfile/x": ""},
    ],
)
def test_else_none_is_found(files: Files) -> None:
    assert find_dockerfile(Tree(files)) is None


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("FROM a\nEXPOSE 3000", 3000),
        ("from a\nexpose 3000/tcp 9000", 3000),
        ("FROM a\nEXPOSE 53/udp 8080", 8080),
        ("FROM a\nEXPOSE 1\nEXPOSE 2", 1),
        ("FROM a AS build\nEXPOSE 1\nFROM b\nCMD x", None),
        ("FROM a AS base\nEXPOSE 1\nFROM base\nRUN x", 1),
        ("FROM a AS Base\nEXPOSE 1\nFROM --platform=x base\nEXPOSE 2", 2),
        ("ARG PORT=5000\nFROM a\nARG PORT\nEXPOSE $PORT", 5000),
        ("FROM a\nENV PORT=5000\nEXPOSE ${PORT}/tcp", 5000),
        ("FROM a\nENV PORT 5000\nEXPOSE ${PORT}", 5000),
        ("FROM a\nEXPOSE ${PORT:-7000}", 7000),
        ("FROM a\nEXPOSE $PORT", None),
        ("FROM a\nEXPOSE 70000", None),
        ("FROM a\n# EXPOSE 1\nEXPOSE \\\n  # the web\n  4000", 4000),
        ("FROM a\nRUN echo EXPOSE 1", None),
        ("", None),
    ],
)
def test_the_port_that_the_last_stage_exposes(text: str, port: int | None) -> None:
    assert exposed_port(text) == port


def test_the_port_that_a_named_stage_exposes() -> None:
    text = "FROM a AS web\nEXPOSE 1\nFROM b AS worker\nEXPOSE 2"
    assert [exposed_port(text, target) for target in ("web", "Worker", "none")] == [1, 2, None]
