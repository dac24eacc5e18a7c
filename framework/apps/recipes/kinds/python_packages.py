"""How the packages of a Python application are installed: by pip, uv, poetry or pipenv. Pure."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes.project import Project, is_plain, string, table

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_OTHER_FILE = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]*(\S+)")
_LOCAL = re.compile(r"\s*(?:-e\b|--editable\b|\.{1,2}(?:/|\s*$|\[)|\S+/\S+\.(?:whl|gz|zip)|file:)")
_LISTS = ("requirements.txt", "requirements/production.txt", "requirements/prod.txt")
_MORE_LISTS = ("requirements/base.txt", "requirements/requirements.txt")
_MOST_LISTS = 20
_OWN_LIST = (
    "python3 -c 'import tomllib; "
    'print(*tomllib.load(open("pyproject.toml", "rb"))["project"].get("dependencies", []), '
    'sep="\\n")\' > /tmp/requirements.txt && pip install -r /tmp/requirements.txt'
)
TOOLS = "/tools/bin"
"""Where a tool is that installs packages: no package of the application's."""


class Packages(NamedTuple):
    """Lines that install the packages of an application into /venv, and their names.

    `name` is that of the installer, "" if there is nothing to install. `after` are lines that need
    all files of the commit.
    """

    name: str = ""
    why: tuple[str, ...] = ()
    dependencies: frozenset[str] = frozenset()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_packages(project: Project) -> Packages:
    """Return how the packages of a repository are installed."""
    pyproject = project.toml("pyproject.toml") or {}
    tools = table(pyproject, "tool")
    names = frozenset(_names_of_pyproject(project))
    if project.has("uv.lock") and project.has("pyproject.toml"):
        return _by_uv(pyproject, names)
    if "poetry" in tools and (project.has("poetry.lock") or "project" not in pyproject):
        return _by_poetry(project, names)
    if project.has("Pipfile"):
        return _by_pipenv(project)
    if found := project.first(*_LISTS, *_MORE_LISTS):
        return _by_list(project, found, names)
    if "project" in pyproject:
        return _by_pyproject(pyproject, names)
    if project.has("setup.py"):
        return Packages("pip", ("setup.py",), after=(lines.run("pip install .", "pip"),))
    return Packages()


def _by_list(project: Project, named: str, more: frozenset[str]) -> Packages:
    files = list(_follow(project, named))
    text = "\n".join(project.text(file) for file in files)
    names = {_normal(match[1]) for line in text.splitlines() if (match := _NAME.match(line))}
    install = lines.run(f"pip install -r {named}", "pip")
    found = Packages("pip", (named,), frozenset({*names, *more}))
    if any(map(_LOCAL.match, text.splitlines())) or not all(map(is_plain, files)):
        return found._replace(after=(install,))
    return found._replace(before=(*_copy_each(files), install))


def _follow(project: Project, named: str) -> Iterator[str]:
    """Yield a list of requirements, and those that it names."""
    waiting = [named]
    seen: set[str] = set()
    while waiting and len(seen) < _MOST_LISTS:
        file = waiting.pop(0)
        if file in seen or not project.has(file):
            continue
        seen.add(file)
        yield file
        folder = file.rpartition("/")[0]
        for line in project.text(file).splitlines():
            if match := _OTHER_FILE.match(line):
                waiting.append(posixpath.normpath(posixpath.join(folder, match[1])))


def _copy_each(files: Sequence[str]) -> list[str]:
    """Return the lines that copy files to where they are in the commit."""
    folders = sorted({file.rpartition("/")[0] for file in files})
    return [
        lines.copy(
            [file for file in files if file.rpartition("/")[0] == folder],
            f"./{folder}/" if folder else "./",
        )
        for folder in folders
    ]


def _by_pyproject(pyproject: object, names: frozenset[str]) -> Packages:
    found = Packages("pip", ("pyproject.toml",), names)
    if "dependencies" in table(pyproject, "project").get("dynamic", ()):
        return found._replace(after=(lines.run("pip install .", "pip"),))
    own = (lines.run("pip install --no-deps .", "pip"),) if table(pyproject, "build-system") else ()
    before = (lines.copy(["pyproject.toml"]), lines.run(_OWN_LIST, "pip"))
    return found._replace(before=before, after=own)


def _by_uv(pyproject: object, names: frozenset[str]) -> Packages:
    sync = f"{TOOLS}/uv sync --frozen --no-dev"
    of_uv = table(pyproject, "tool", "uv")
    own = lines.run(sync, "uv")
    before = (
        "ENV UV_PROJECT_ENVIRONMENT=/venv UV_CACHE_DIR=/cache/uv UV_LINK_MODE=copy",
        _tool("uv"),
    )
    found = Packages("uv", ("uv.lock",), names, before, (own,))
    if "workspace" in of_uv or "sources" in of_uv:
        return found
    first = (
        lines.copy(["pyproject.toml", "uv.lock"]),
        lines.run(f"{sync} --no-install-project", "uv"),
    )
    return found._replace(before=(*before, *first))


def _by_poetry(project: Project, names: frozenset[str]) -> Packages:
    lock = project.those(("poetry.lock",))
    install = f"{TOOLS}/poetry install --no-interaction --only main"
    return Packages(
        "poetry",
        ("pyproject.toml", *lock),
        names,
        before=(
            "ENV POETRY_CACHE_DIR=/cache/poetry VIRTUAL_ENV=/venv",
            _tool("poetry"),
            lines.copy(["pyproject.toml", *lock]),
            lines.run(f"{install} --no-root", "poetry"),
        ),
        notes=() if lock else ("No poetry.lock: each build may get other versions.",),
    )


def _by_pipenv(project: Project) -> Packages:
    pipfile, lock = project.toml("Pipfile") or {}, project.those(("Pipfile.lock",))
    how = "sync" if lock else "install --skip-lock"
    return Packages(
        "pipenv",
        ("Pipfile", *lock),
        frozenset(map(_normal, table(pipfile, "packages"))),
        before=(
            "ENV PIPENV_CACHE_DIR=/cache/pipenv PIPENV_VERBOSITY=-1 VIRTUAL_ENV=/venv",
            _tool("pipenv"),
            lines.copy(["Pipfile", *lock]),
            lines.run(f"{TOOLS}/pipenv {how}", "pipenv", "pip"),
        ),
        notes=() if lock else ("No Pipfile.lock: each build may get other versions.",),
    )


def _tool(name: str) -> str:
    return lines.run(f"python3 -m venv /tools && {TOOLS}/pip install {name}", "pip")


def _names_of_pyproject(project: Project) -> Iterator[str]:
    pyproject = project.toml("pyproject.toml")
    asked = table(pyproject, "project").get("dependencies")
    for entry in asked if isinstance(asked, list) else ():
        if match := _NAME.match(string(entry)):
            yield _normal(match[1])
    yield from map(_normal, table(pyproject, "tool", "poetry", "dependencies"))


def _normal(name: str) -> str:
    """Return a package's name as in its address on PyPI."""
    return re.sub(r"[-_.]+", "-", name).lower()
