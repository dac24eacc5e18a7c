"""The lock has the requirements of setup.cfg, and each of its files has a hash."""

import json
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from framework import executor_bundle
from locks import write

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "locks"
LIBRARIES, BUILD = ((LOCKS / f"{name}.txt").read_text() for name in ("libraries", "build"))
OURS = {"prevs", "http-parser"}
"""They are source here."""


def find_gaps(required: str, lock: str) -> list[str]:
    """Return the requirements that a lock lacks, or has in a version out of range."""
    locked = {name: lines.split("==")[1].split()[0] for name, lines in write.entries(lock)}
    wanted = (Requirement(line) for line in required.splitlines())
    return [
        str(one)
        for one in wanted
        if executor_bundle.canonical(one.name) not in OURS
        and not one.specifier.contains(locked.get(executor_bundle.canonical(one.name), "0"))
    ]


@pytest.mark.parametrize(
    ("required", "gaps"),
    [
        ("a >=1,<2", []),
        ("a >=2", ["a>=2"]),
        ("a\nJinja2 <3", ["Jinja2<3"]),
        ("b >=1", ["b>=1"]),
        ("http-parser >=9", []),
    ],
)
def test_a_requirement_that_the_lock_does_not_meet_is_found(required: str, gaps: list[str]) -> None:
    hashed = "\\\n    --hash=sha256:0\n"
    lock = f"a==1.5 {hashed}jinja2==3.1 ; python_version < '4' {hashed}"
    assert find_gaps(required, lock) == gaps


def test_the_lock_has_the_requirements_of_setup_cfg() -> None:
    advice = "run `make lock`"
    for file in (ROOT / "setup.cfg", ROOT / "third_party" / "http-parser" / "setup.cfg"):
        assert find_gaps(write.required(file), LIBRARIES) == [], advice
    assert find_gaps(write.build_required(ROOT / "pyproject.toml"), BUILD) == [], advice


def test_the_lock_has_their_requirements_and_nothing_else() -> None:
    names = {name for name, _ in write.entries(LIBRARIES)}
    left, needed = ["prevs"], set[str]()
    while left:
        for line in distribution(left.pop()).requires or ():
            wanted = Requirement(line)
            name = executor_bundle.canonical(wanted.name)
            if name not in needed and (not wanted.marker or wanted.marker.evaluate({"extra": ""})):
                needed.add(name)
                left.append(name)
    assert needed - OURS <= names, "run `make lock`"
    marked = {name for name, lines in write.entries(LIBRARIES) if " ; " in lines}
    assert names - needed <= marked, "what no other Python or system needs: run `make lock`"


@pytest.mark.parametrize("lock", [LIBRARIES, BUILD])
def test_each_file_is_known_by_hash_and_no_index_by_name(lock: str) -> None:
    assert "://" not in lock
    for name, lines in write.entries(lock):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", lines), name
    everything = "".join(lines for _, lines in write.entries(lock))
    assert everything == lock


def test_bills_of_materials_list_locked_and_bundled_packages() -> None:
    def listed(name: str) -> dict[str, str]:
        components = json.loads((LOCKS / name).read_text())["components"]
        return {one["name"]: one["version"] for one in components}

    locked = {name: lines.split("==")[1].split()[0] for name, lines in write.entries(LIBRARIES)}
    assert listed("libraries.cdx.json") == locked
    bundled = {executor_bundle.canonical(one.metadata["Name"]) for one in executor_bundle.find()}
    assert listed("executor.cdx.json") == {name: locked[name] for name in bundled - OURS}


def test_the_digest_of_the_base_image_is_written_in_its_place() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    digest, other = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
    pinned = write.pin_base(dockerfile, digest)
    assert f"ARG BASE=debian:13-slim@{digest}\n" in pinned
    assert write.pin_base(pinned, other) == pinned.replace(digest, other)
    with pytest.raises(ValueError, match="is no digest"):
        write.pin_base(dockerfile, "latest")


def test_the_index_of_pip_is_queried() -> None:
    configured = (
        "global.cert='/ca.pem'\nglobal.index-url='https://a.example/simple'\nglobal.x='y'\n"
    )
    assert write.uv_environment(configured) == {
        "SSL_CERT_FILE": "/ca.pem",
        "UV_DEFAULT_INDEX": "https://a.example/simple",
    }
