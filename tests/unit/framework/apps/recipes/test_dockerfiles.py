"""Dockerfiles that are not where they are expected, and the ports that they expose."""

import pytest

from framework.apps.recipes import Found, exposed_ports, find_dockerfile
from prevs.containers import BuildSettings
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
    ("text", "ports"),
    [
        ("FROM a\nEXPOSE 3000", (3000,)),
        ("from a\nexpose 3000/tcp 9000", (3000, 9000)),
        ("FROM a\nEXPOSE 53/udp 8080", (8080,)),
        ("FROM a\nEXPOSE 2\nEXPOSE 1 2", (2, 1)),
        ("FROM a\nEXPOSE 22 443 3000", (3000, 22, 443)),
        ("FROM a AS build\nEXPOSE 1\nFROM b\nCMD x", ()),
        ("FROM a AS base\nEXPOSE 1\nFROM base\nRUN x", (1,)),
        ("FROM a AS Base\nEXPOSE 1\nFROM --platform=x base\nEXPOSE 2", (2, 1)),
        ("ARG PORT=5000\nFROM a\nARG PORT\nEXPOSE $PORT", (5000,)),
        ("FROM a\nENV PORT=5000\nEXPOSE ${PORT}/tcp", (5000,)),
        ("FROM a\nENV PORT 5000\nEXPOSE ${PORT}", (5000,)),
        ("FROM a\nEXPOSE ${PORT:-7000}", (7000,)),
        ("FROM a\nEXPOSE $PORT", ()),
        ("FROM a\nEXPOSE 70000", ()),
        ("FROM a\n# EXPOSE 1\nEXPOSE \\\n  # the web\n  4000", (4000,)),
        ("FROM a\nRUN echo EXPOSE 1", ()),
        ("", ()),
    ],
)
def test_the_ports_that_the_last_stage_exposes(text: str, ports: tuple[int, ...]) -> None:
    assert exposed_ports(text, BuildSettings()) == ports


def test_the_ports_that_a_named_stage_exposes() -> None:
    text = "FROM a AS web\nEXPOSE 1\nFROM b AS worker\nEXPOSE 2"
    found = [
        exposed_ports(text, BuildSettings(target=target)) for target in ("web", "Worker", "none")
    ]
    assert found == [(1,), (2,), ()]


@pytest.mark.parametrize(
    "text", ["FROM a\nARG PORT=1\n", "FROM a\nARG PORT\n", "ARG PORT=1\nFROM a\nARG PORT\n"]
)
def test_an_argument_of_the_build_may_be_the_port(text: str) -> None:
    build = BuildSettings(args={"PORT": "5000"})
    assert exposed_ports(f"{text}EXPOSE $PORT", build) == (5000,)


def test_a_variable_that_doubles_itself_takes_no_memory() -> None:
    text = "FROM a\nENV A=1\n" + "ENV A=$A$A\n" * 1000 + "EXPOSE 4000\n"
    assert exposed_ports(text, BuildSettings()) == (4000,)
