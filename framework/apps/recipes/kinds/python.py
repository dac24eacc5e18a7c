"""Python: what a Procfile says, Django, FastAPI, Flask and their kin, or a program."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes import listening
from framework.apps.recipes.images import BaseImages, choose_version
from framework.apps.recipes.kinds import django
from framework.apps.recipes.kinds.python_packages import Packages, find_packages
from framework.apps.recipes.kinds.started import Started
from framework.apps.recipes.project import Project, string, table
from framework.apps.recipes.recipe import Recipe

LOOKED_FOR = ("requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "manage.py")
_VERSIONS = tuple(f"3.{minor}" for minor in range(9, 15))
_MODULES = ("main", "app", "server", "api", "asgi", "wsgi", "application", "run", "web")
_SOURCES = ("app", "src", "api", "backend", "server")
_APPLICATION = re.compile(r"^(\w+)(?:\s*:\s*[\w.]+)?\s*=\s*(?:\w+\.)?(\w+)\(", re.MULTILINE)
_FACTORY = re.compile(r"^def (create_app|make_app)\(", re.MULTILINE)
_ASGI = ("FastAPI", "Starlette", "Litestar", "Quart")
_WSGI = ("Flask", "Dash", "Bottle", "Falcon")
_ROOT = re.compile(r"\.(?:get|route|api_route|mount)\(\s*[\"']/[\"']")


class _Module(NamedTuple):
    """A module with an application: its dotted name, where it is, and its text."""

    name: str
    folder: str
    file: str

    def options(self) -> str:
        """Return what tells where the module is, as an assignment in front of a command."""
        return f"PYTHONPATH={self.folder} " if self.folder else ""


def find(project: Project, images: BaseImages) -> Recipe | str | None:
    """Return the recipe of a Python application, or why it nearly has one."""
    packages = find_packages(project)
    line = listening.find_web(project)
    started = _find_started(project, packages, line)
    if not packages.name and (started is None or started.by == "Procfile"):
        return None
    if started is None:
        return (
            f"{packages.why[0]} is there, and nothing says what to run: no web line in a "
            "Procfile, no manage.py, no application of Flask or FastAPI in main.py or app.py"
        )
    return _write(project, images, packages, started)


def _find_started(project: Project, packages: Packages, line: str) -> Started | None:
    if line:
        return Started(line, "Procfile", port=listening.port_of_command(line))
    if found := django.find(project, packages.dependencies):
        return found
    return _find_framework(project, packages) or _find_program(project)


def _find_framework(project: Project, packages: Packages) -> Started | None:
    asked = packages.dependencies
    for module in _list_modules(project):
        text = project.text(module.file)
        found = {kind: name for name, kind in _APPLICATION.findall(text)}
        if kind := next((one for one in _ASGI if one in found), ""):
            return _by_asgi(module, kind, found[kind], text)
        if "streamlit" in asked and "import streamlit" in text:
            return _by_streamlit(module)
        if kind := next((one for one in _WSGI if one in found), ""):
            name = "server" if kind == "Dash" else found[kind]
            return _by_wsgi(module, kind, name, asked)
        if (factory := _FACTORY.search(text)) and asked & {"flask", "quart"}:
            return _by_wsgi(module, "Flask", f"{factory[1]}()", asked)
    return None


def _by_asgi(module: _Module, kind: str, name: str, text: str) -> Started:
    has_root = _ROOT.search(text) or "docs_url" in text or "openapi_url" in text
    server = f'uvicorn {module.name}:{name} --host 0.0.0.0 --port "$PORT"'
    return Started(
        f"{module.options()}exec {server}",
        f"{module.file} ({kind})",
        packages=("uvicorn",),
        health="/openapi.json" if kind == "FastAPI" and not has_root else None,
    )


def _by_wsgi(module: _Module, kind: str, name: str, asked: frozenset[str]) -> Started:
    why = f"{module.file} ({kind})"
    if kind == "Flask" and "gunicorn" not in asked:
        line = f"exec flask --app {lines.quote(f'{module.name}:{name}')} run --host 0.0.0.0"
        return Started(f'{module.options()}{line} --port "$PORT"', why)
    line = f'exec gunicorn --bind "0.0.0.0:$PORT" {lines.quote(f"{module.name}:{name}")}'
    return Started(f"{module.options()}{line}", why, packages=("gunicorn",))


def _by_streamlit(module: _Module) -> Started:
    line = f"exec streamlit run {module.file} --server.address 0.0.0.0"
    more = '--server.headless true --server.port "$PORT"'
    return Started(f"{line} {more}", f"{module.file} (Streamlit)")


def _find_program(project: Project) -> Started | None:
    files = (f"{name}.py" for name in (*_MODULES, "__main__"))
    for file in project.those(files):
        text = project.text(file)
        if "__main__" in text or "serve_forever" in text or ".run(" in text:
            port = listening.port_of_source(text)
            return Started(f"exec python {file}", file, port=port)
    return None


def _list_modules(project: Project) -> Iterator[_Module]:
    """Yield the modules where an application usually is."""
    for name in _MODULES:
        yield _Module(name, "", f"{name}.py")
    packages = dict.fromkeys((*(one for one in _SOURCES if one in project.folders),))
    packages.update(dict.fromkeys(_list_packages(project, "")))
    for package in packages:
        for name in ("__init__", *_MODULES):
            dotted = package if name == "__init__" else f"{package}.{name}"
            yield _Module(dotted, "", f"{package}/{name}.py")
    if "src" in project.folders:
        for name in _MODULES:
            yield _Module(name, "src", f"src/{name}.py")
        for package in _list_packages(project, "src"):
            for name in ("__init__", *_MODULES):
                dotted = package if name == "__init__" else f"{package}.{name}"
                yield _Module(dotted, "src", f"src/{package}/{name}.py")


def _list_packages(project: Project, folder: str) -> list[str]:
    """Return the names of the Python packages in a folder, a few of them."""
    listed = project.folders if not folder else project.folders_in(folder)
    named = [name for name in listed if name.isidentifier()][:20]
    return [one for one in named if project.has(f"{folder}/{one}/__init__.py".lstrip("/"))]


def _write(project: Project, images: BaseImages, packages: Packages, started: Started) -> Recipe:
    base = images.choose("python", _find_version(project))
    installed = [one for one in started.packages if one not in packages.dependencies]
    more = [lines.run(f"pip install {' '.join(installed)}", "pip")] if installed else []
    name = f"Python with {packages.name}" if packages.name else "Python"
    made = lines.begin(
        base.reference, as_root=[f"RUN mkdir /venv /tools && chown {lines.USER} /venv /tools"]
    )
    return Recipe(
        kind="python",
        name=name,
        why=tuple(dict.fromkeys((started.by, *packages.why))),
        text=lines.write(
            *made,
            "ENV PATH=/venv/bin:$PATH PIP_CACHE_DIR=/cache/pip PYTHONUNBUFFERED=1",
            "RUN python3 -m venv /venv",
            *packages.before,
            *more,
            lines.COPY_ALL,
            *packages.after,
            *started.built,
            lines.command(started.line),
        ),
        command=started.line,
        port=started.port,
        health=started.health,
        notes=(
            *packages.notes,
            *started.notes,
            *((base.note,) if base.note else ()),
            *listening.told_port(started.port, started.by),
        ),
    )


def _find_version(project: Project) -> str:
    """Return the version of Python that a repository asks for, "" for the usual one."""
    pyproject = project.toml("pyproject.toml")
    named = (
        project.text(".python-version").strip().partition("\n")[0],
        project.text("runtime.txt").strip().removeprefix("python-"),
        string(table(pyproject, "project").get("requires-python")),
        string(table(pyproject, "tool", "poetry", "dependencies").get("python")),
        string(table(project.toml("Pipfile"), "requires").get("python_version")),
    )
    wanted = next((text for text in named if re.search(r"\d", text)), "")
    return choose_version(wanted[:100], _VERSIONS, "3.13") if wanted else ""
