import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from framework.executor_bundle import BundleError, build, needs, pack, read


def test_the_same_files_give_the_same_bytes_in_any_order() -> None:
    files = {"b.py": b"b" * 5000, "__main__.py": b"a", "x/data": bytes(range(256))}
    packed = pack(files)
    assert pack(dict(reversed(files.items()))) == packed
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_the_entry_file_of_python_is_unchanged_and_the_rest_is_compressed() -> None:
    with zipfile.ZipFile(io.BytesIO(pack({"__main__.py": b"a" * 999, "b": b"b" * 999}))) as made:
        kinds = {info.filename: info.compress_type for info in made.infolist()}
    assert kinds == {"__main__.py": zipfile.ZIP_STORED, "b": zipfile.ZIP_BZIP2}


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("requests>=2.26.0", ["requests"]),
        ("gitdb<5,>=4.0.1", ["gitdb"]),
        ("charset_normalizer[x] (>=2)", ["charset_normalizer"]),
        ("six", ["six"]),
        ('typing-extensions>=3.10; python_version < "3.10"', ["typing-extensions"]),
        ("pywin32>=304; sys_platform == 'win32'", []),
        ("paramiko>=2.4.3; extra == 'ssh'", []),
    ],
)
def test_a_library_needs_its_requirements_on_linux_for_any_python(
    requirement: str, name: list[str]
) -> None:
    assert needs([requirement]) == name


def test_a_given_bundle_has_the_checksum_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "executor.pyz"
    file.write_bytes(pack({"__main__.py": b""}))
    assert read(file).digest == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("files", "is_unpacked"),
    [(["__main__.py"], False), (["__main__.py", "executor/bundle.py"], True)],
)
def test_agents_cache_a_bundle_that_unpacks_itself(
    files: list[str], is_unpacked: bool, tmp_path: Path
) -> None:
    file = tmp_path / "executor.pyz"
    file.write_bytes(pack(dict.fromkeys(files, b"")))
    assert read(file).is_unpacked is is_unpacked


def test_anything_but_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        read(tmp_path / "nothing")
    (tmp_path / "text").write_text("text")
    with pytest.raises(BundleError, match="not a zip archive"):
        read(tmp_path / "text")


def test_a_bundle_has_the_rooms_of_program_that_executors_use_and_no_other() -> None:
    with zipfile.ZipFile(io.BytesIO(build().data)) as made:
        names = [name for name in made.namelist() if name.startswith("program/")]
    assert {"program/__init__.py", "program/git/__init__.py", "program/git/safety.py"} < {*names}
    rooms = {"git", "limits", "logs", "networks"}
    assert {name.split("/")[1] for name in names} == {"__init__.py", *rooms}
    assert "program/logs/log_output.py" not in names  # it needs structlog
