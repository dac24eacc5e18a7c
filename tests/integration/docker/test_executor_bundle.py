"""The executor's bundle, made of the packages here, on Pythons without them."""

import ast
import importlib.metadata
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from framework import executor_bundle
from framework.executor_bundle import Bundle
from tests import pythons

pytestmark = pytest.mark.integration

PYTHONS = sorted({sys.executable, "/usr/bin/python3", pythons.oldest()})
"""The one that runs the tests, Debian's own, and the oldest: with -I -S, none has a package."""

IMPORT_ALL = """\
import importlib, json, sys
home, *modules = sys.argv[1:]
sys.path[:] = [home, *(path for path in sys.path if path)]
for module in modules:
    importlib.import_module(module)
print(json.dumps({name: getattr(module, "__file__", None) for name, module in sys.modules.items()}))
"""


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return executor_bundle.build()


@pytest.fixture(scope="module")
def home(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    with zipfile.ZipFile(io.BytesIO(bundle.data)) as archive:
        archive.extractall(folder)
    return folder


def test_the_same_sources_make_the_same_bundle(bundle: Bundle) -> None:
    code = "from framework import executor_bundle; print(executor_bundle.build().digest)"
    environ = {
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "PYTHONHASHSEED": "1",
        "TZ": "Asia/Tokyo",
    }
    made = subprocess.run(
        [sys.executable, "-c", code], env=environ, check=True, capture_output=True, text=True
    )
    assert made.stdout.strip() == bundle.digest


def test_it_is_small(bundle: Bundle) -> None:
    assert len(bundle.data) < 1_500_000


def test_it_has_source_for_every_python_and_code_for_none(home: Path) -> None:
    suffixes = {path.suffix for path in home.rglob("*") if path.is_file()}
    assert suffixes.isdisjoint({".so", ".pyc"})
    for path in home.rglob("*.py"):
        ast.parse(path.read_bytes(), str(path), feature_version=pythons.OLDEST)


def test_every_library_in_it_is_for_the_oldest_python_and_has_its_licence(home: Path) -> None:
    folders = sorted(folder.name for folder in (home / "licences").iterdir())
    names = {folder.rpartition("-")[0] for folder in folders}
    assert {"docker", "gitpython", "requests", "pymesos", "http-parser", "prevs"} < names
    for name in names - {"prevs"}:
        needs = importlib.metadata.metadata(name)["Requires-Python"]
        assert SpecifierSet(needs or "").contains("3.9.0"), f"{name} needs Python {needs}"
    for folder in folders:
        assert any((home / "licences" / folder).iterdir())


@pytest.mark.parametrize("python", PYTHONS)
def test_all_of_it_comes_from_the_bundle_or_from_pythons_own_library(
    python: str, home: Path
) -> None:
    ours = [
        ".".join(path.relative_to(home).with_suffix("").parts)
        for package in ("executor", "driver", "prevs", "program")
        for path in (home / package).rglob("*.py")
    ]
    modules = [re.sub(r"\.__init__$", "", name) for name in ours]
    ran = subprocess.run(
        [python, "-I", "-S", "-c", IMPORT_ALL, str(home), *modules],
        check=True,
        capture_output=True,
        text=True,
    )
    files: dict[str, str | None] = json.loads(ran.stdout)
    assert {"docker", "git", "requests", "pymesos", "http_parser", "executor.attempt.course"} < set(
        files
    )
    elsewhere = [file for file in files.values() if file and "-packages/" in file]
    assert elsewhere == []


@pytest.mark.parametrize("python", PYTHONS)
def test_no_python_has_the_executor_without_its_bundle(python: str) -> None:
    for module in ("executor", "docker"):
        ran = subprocess.run(
            [python, "-I", "-S", "-c", f"import {module}"],
            check=False,
            capture_output=True,
            text=True,
        )
        assert "ModuleNotFoundError" in ran.stderr


@pytest.mark.parametrize("python", PYTHONS)
def test_it_starts_from_its_file(python: str, bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "prevs-executor.pyz"
    file.write_bytes(bundle.data)
    ran = subprocess.run(
        [python, "-I", "-S", str(file)],
        env={"PREVS_EXECUTOR_DIR": str(tmp_path / "work")},
        check=False,
        capture_output=True,
        text=True,
    )
    # It is not an agent that has started it.
    assert ran.returncode == 2
    assert "MESOS_AGENT_ENDPOINT is missing" in ran.stderr
