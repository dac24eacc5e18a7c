"""Node with npm, pnpm or yarn, or with Bun: a server, or pages that are built and then served."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes import listening
from framework.apps.recipes.images import BaseImages, choose_version
from framework.apps.recipes.kinds import node_output, static
from framework.apps.recipes.kinds.node_packages import Packages, find_packages
from framework.apps.recipes.project import Project, is_plain, string, table
from framework.apps.recipes.recipe import Recipe

LOOKED_FOR = ("package.json",)
_MAINS = ("server.js", "server.mjs", "server.cjs", "index.js", "index.mjs", "app.js", "main.js")
_LISTENS = re.compile(r"\blisten\s*\(|\bserve\s*\(")
_RUN_BY_NODE = re.compile(r"(?:^|\s|&)(?:node|bun|tsx|ts-node)\s+(?:--?\S+\s+)*([\w./-]+\.\w+)")
_VERSIONS = ("18", "20", "22", "24")


@dataclasses.dataclass(frozen=True)
class _App:
    """A package.json with how its packages are installed; what runs is found of it."""

    project: Project
    package: Mapping[str, Any]
    packages: Packages

    @property
    def scripts(self) -> Mapping[str, Any]:
        return table(self.package, "scripts")

    @property
    def dependencies(self) -> frozenset[str]:
        return dependencies(self.package)


def find(project: Project, images: BaseImages) -> Recipe | str | None:
    """Return the recipe of a package.json, or why it nearly has one."""
    if not project.has("package.json"):
        return None
    package = project.json("package.json")
    if package is None:
        return "package.json is there, and has no JSON object that can be read"
    app = _App(project, package, find_packages(project, package))
    if line := listening.find_web(project):
        return _write_server(app, images, line, "Procfile")
    if node_output.starts(app.scripts):
        return _write_server(app, images, f"exec {app.packages.tool} run start", "package.json")
    output = node_output.find(project, dependencies(package), app.scripts)
    if output and "build" in app.scripts:
        return _write_output(app, images, output)
    if main := _find_main(app):
        runner = "bun" if app.packages.kind == "bun" else "node"
        return _write_server(app, images, f"exec {runner} {lines.quote(main)}", main)
    return _tell_near(app)


def dependencies(package: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of all packages that a package.json asks for."""
    return frozenset({*table(package, "dependencies"), *table(package, "devDependencies")})


def _find_main(app: _App) -> str:
    """Return the file that listens, "" if none of the usual ones does."""
    named = string(app.package.get("main")).removeprefix("./")
    found = app.project.those((*((named,) if named else ()), *_MAINS))
    listening_ones = (one for one in found if _LISTENS.search(app.project.text(one)))
    return next((one for one in listening_ones if is_plain(one)), "")


def _tell_near(app: _App) -> str:
    if string(app.scripts.get("start")):
        return (
            "package.json has a start script that only serves what a developer is writing, and "
            "no build script of a known tool that makes pages"
        )
    return (
        "package.json has no start script, no build script of a known tool that makes pages, and "
        "no server.js, index.js or app.js beside it listens"
    )


def build_lines(
    project: Project, package: Mapping[str, Any], images: BaseImages, stage: str = ""
) -> tuple[list[str], tuple[str, ...]]:
    """Return the lines that install a package.json and build it in /app, and notes."""
    return _build(_App(project, package, find_packages(project, package)), images, stage)


def _build(app: _App, images: BaseImages, stage: str) -> tuple[list[str], tuple[str, ...]]:
    packages = app.packages
    wanted = _find_version(app) if packages.kind == "node" else ""
    base = images.choose(packages.kind, wanted)
    made = lines.begin(base.reference, stage=stage, as_root=packages.as_root)
    made += [f"ENV {packages.environment}"] if packages.environment else []
    made += ["ENV PATH=/app/node_modules/.bin:$PATH"]
    if packages.copied:
        made += [lines.copy(packages.copied)]
        made += [lines.copy_folder(folder, f"./{folder}/") for folder in packages.folders]
        made += [lines.run(packages.install, *packages.caches), lines.COPY_ALL]
    else:
        made += [lines.COPY_ALL, lines.run(packages.install, *packages.caches)]
    if "build" in app.scripts:
        made.append(lines.run(f"{packages.tool} run build", *packages.caches))
    return made, (*packages.notes, *((base.note,) if base.note else ()))


def _write_server(app: _App, images: BaseImages, line: str, where: str) -> Recipe:
    made, notes = _build(app, images, "")
    start = string(app.scripts.get("start"))
    shown = start if line.endswith("run start") else line
    port = listening.port_of_command(shown) or _port_of_program(app.project, shown)
    return Recipe(
        kind=app.packages.kind,
        name=app.packages.name,
        why=tuple(dict.fromkeys((where, "package.json", *app.packages.why))),
        text=lines.write(*made, "ENV NODE_ENV=production HOST=0.0.0.0", lines.command(line)),
        command=line,
        port=port,
        notes=(*notes, *listening.told_port(port, where)),
    )


def _port_of_program(project: Project, line: str) -> int | None:
    """Return the port that stands in the program which a line runs."""
    match = _RUN_BY_NODE.search(line)
    return listening.port_of_source(project.text(match[1].removeprefix("./"))) if match else None


def _write_output(app: _App, images: BaseImages, output: node_output.Output) -> Recipe:
    if output.server:
        recipe = _write_server(app, images, output.server, f"package.json ({output.by})")
        return dataclasses.replace(recipe, notes=(*recipe.notes, *output.notes))
    made, notes = _build(app, images, "build")
    copied = lines.copy_built(f"/app/{output.folder}/", "/srv/")
    pages = static.serve(images, copied, fallback=output.fallback)
    return Recipe(
        kind=app.packages.kind,
        name=f"{app.packages.name}, pages of {output.by}",
        why=tuple(dict.fromkeys((f"package.json ({output.by})", *app.packages.why))),
        text=lines.write(*made, *pages),
        command=static.COMMAND,
        notes=(*notes, f"What the build puts into {output.folder} is served."),
    )


def _find_version(app: _App) -> str:
    """Return the major version of Node that a repository asks for, "" for the usual one."""
    named = (
        app.project.text(".nvmrc"),
        app.project.text(".node-version"),
        string(table(app.package, "volta").get("node")),
        string(table(app.package, "engines").get("node")),
    )
    wanted = next((text.strip() for text in named if re.search(r"\d", text)), "")
    return choose_version(wanted[:100], _VERSIONS, "22") if wanted else ""
