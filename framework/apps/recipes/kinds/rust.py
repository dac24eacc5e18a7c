"""Rust: a package with a program."""

import re

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes import listening
from framework.apps.recipes.images import BaseImages
from framework.apps.recipes.project import Project, string, table
from framework.apps.recipes.recipe import Recipe

LOOKED_FOR = ("Cargo.toml",)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)
_CACHES = ("cargo", "target")


def find(project: Project, images: BaseImages) -> Recipe | str | None:
    """Return the recipe of a Cargo package, or why it nearly has one."""
    if not project.has("Cargo.toml"):
        return None
    cargo = project.toml("Cargo.toml") or {}
    if not table(cargo, "package"):
        return "Cargo.toml is there, and has no [package]: name the folder of one with --folder"
    name = _find_program(project)
    if not name:
        return "Cargo.toml is there, and its package has no program (src/main.rs or [[bin]])"
    line = listening.find_web(project) or f"exec /app/target/release/{name}"
    source = project.text("src/main.rs")
    port = listening.port_of_command(line) or listening.port_of_source(source)
    is_rocket = "rocket" in table(cargo, "dependencies")
    locked = " --locked" if project.has("Cargo.lock") else ""
    build = f"cargo build --release{locked} && cp /cache/target/release/{name} /built/"
    own = 'export ROCKET_ADDRESS=0.0.0.0 ROCKET_PORT="$PORT"; ' if is_rocket else ""
    return Recipe(
        kind="rust",
        name="Rust",
        why=("Cargo.toml", *project.those(("Cargo.lock", "Procfile"))),
        text=lines.write(
            *lines.begin(images.choose("rust").reference, stage="build"),
            "ENV CARGO_HOME=/cache/cargo CARGO_TARGET_DIR=/cache/target",
            lines.COPY_ALL,
            lines.run(build, *_CACHES),
            *lines.begin(images.choose("binary").reference),
            lines.COPY_ALL,
            lines.copy_built("/built/", "/app/target/release/"),
            lines.command(own + line),
        ),
        command=line,
        port=None if is_rocket else port,
        notes=() if is_rocket else listening.told_port(port, "The program"),
    )


def _find_program(project: Project) -> str:
    """Return the name of the program that runs, "" if there is none that may be written."""
    cargo = project.toml("Cargo.toml") or {}
    package, programs = table(cargo, "package"), cargo.get("bin")
    own = [string(table(one).get("name")) for one in programs] if isinstance(programs, list) else []
    names = [string(package.get("default-run")), string(package.get("name"))]
    if not project.has("src/main.rs"):
        names = [string(package.get("default-run")), *own]
    elif own and names[1] not in own:
        names = [names[0], *own, names[1]]
    return next((name for name in names if _NAME.fullmatch(name)), "")
