"""Go: a module with a program at its root or below cmd/."""

import re

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes import listening
from framework.apps.recipes.images import BaseImages
from framework.apps.recipes.kinds.started import Started
from framework.apps.recipes.project import Project, is_plain
from framework.apps.recipes.recipe import Recipe

LOOKED_FOR = ("go.mod",)
_MAIN = re.compile(r"^package main\b", re.MULTILINE)
_USUAL = ("server", "web", "api", "app", "main", "http")
_CACHES = ("go-mod", "go-build")
_MOST = 20


def find(project: Project, images: BaseImages) -> Recipe | str | None:
    """Return the recipe of a Go module, or why it nearly has one."""
    if not project.has("go.mod"):
        return None
    started = _find_started(project)
    if started is None:
        return "go.mod is there, and neither its folder nor one below cmd/ has a package main"
    base = images.choose("go")
    copied = ["go.mod", *project.those(("go.sum",))]
    download = [lines.copy(copied), lines.run("go mod download", *_CACHES)]
    vendored = "vendor" in project.folders
    return Recipe(
        kind="go",
        name="Go",
        why=tuple(dict.fromkeys(("go.mod", started.by))),
        text=lines.write(
            *lines.begin(base.reference, stage="build"),
            "ENV GOTOOLCHAIN=auto GOMODCACHE=/cache/go-mod GOCACHE=/cache/go-build",
            *([] if vendored or project.has("go.work") else download),
            lines.COPY_ALL,
            *started.built,
            *lines.begin(images.choose("binary").reference),
            lines.COPY_ALL,
            lines.copy_built("/built/", "/app/bin/"),
            "ENV PATH=/app/bin:$PATH",
            lines.command(started.line),
        ),
        command=started.line,
        port=started.port,
        notes=listening.told_port(started.port, started.by),
    )


def _find_started(project: Project) -> Started | None:
    if line := listening.find_web(project):
        built = lines.run("GOBIN=/built go install ./...", *_CACHES)
        return Started(line, "Procfile", built=(built,), port=listening.port_of_command(line))
    if (file := _find_main(project)) is None:
        return None
    folder = file.rpartition("/")[0]
    build = f"go build -o /built/app ./{folder}"
    port = listening.port_of_source(project.text(file))
    return Started("exec /app/bin/app", file, built=(lines.run(build, *_CACHES),), port=port)


def _find_main(project: Project) -> str | None:
    """Return a file of the package that runs, None if there is none."""
    if file := _main_of(project, ""):
        return file
    folders = project.folders_in("cmd")[:_MOST] if "cmd" in project.folders else ()
    usual = [name for name in _USUAL if name in folders]
    for name in dict.fromkeys((*usual, *folders)):
        if file := _main_of(project, f"cmd/{name}"):
            return file
    return _main_of(project, "cmd") or None


def _main_of(project: Project, folder: str) -> str:
    """Return a file of package main in a folder, main.go before others; "" if there is none."""
    if folder and folder.partition("/")[0] not in project.folders:
        return ""
    names = sorted(project.names_in(folder or "."), key=lambda name: (name != "main.go", name))
    files = [name for name in names if name.endswith(".go") and is_plain(name)]
    for name in files[:_MOST]:
        if name.endswith("_test.go"):
            continue
        path = f"{folder}/{name}" if folder else name
        if _MAIN.search(project.text(path)):
            return path
    return ""
