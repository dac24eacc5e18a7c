"""executor/workspace/build_marks.py: the mark by which the steps of a build are found."""

import json
from pathlib import Path

import pytest

from executor.workspace.build_marks import is_marked, mark_arguments, mark_of

MARK = mark_of("0123abcd")


def environment(**variables: str) -> list[bytes]:
    return [f"{name}={value}".encode() for name, value in variables.items()]


def test_a_step_with_the_arguments_is_marked() -> None:
    assert is_marked(environment(PATH="/bin", **mark_arguments(MARK, {}, {})), MARK)


def test_no_other_process_is_marked() -> None:
    assert not is_marked(environment(no_proxy="localhost", other=MARK), MARK)
    assert not is_marked(environment(**mark_arguments(mark_of("4567"), {}, {})), MARK)
    assert not is_marked([], MARK)


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_proxy_arguments_of_the_build_stay(name: str) -> None:
    found = mark_arguments(MARK, {name: "example.org", "OTHER": "x"}, {})
    assert found == {"no_proxy": f"example.org,{MARK}", "NO_PROXY": f"example.org,{MARK}"}


@pytest.mark.parametrize("variable", ["HOME", "DOCKER_CONFIG"])
@pytest.mark.parametrize("daemon", ["default", "tcp://10.0.0.1:2375"])
def test_dockers_other_settings_stay(tmp_path: Path, variable: str, daemon: str) -> None:
    folder = tmp_path / ".docker" if variable == "HOME" else tmp_path
    folder.mkdir(exist_ok=True)
    settings = {"proxies": {daemon: {"httpProxy": "http://p:1", "noProxy": "10.0.0.0/8"}}}
    (folder / "config.json").write_text(json.dumps(settings))
    environ = {variable: str(tmp_path), "DOCKER_HOST": "tcp://10.0.0.1:2375"}
    assert mark_arguments(MARK, {}, environ)["no_proxy"] == f"10.0.0.0/8,{MARK}"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"proxies": []}', '{"proxies": {"default": 3}}'])
def test_unreadable_settings_count_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert mark_arguments(MARK, {}, {"DOCKER_CONFIG": str(tmp_path)})["no_proxy"] == MARK
