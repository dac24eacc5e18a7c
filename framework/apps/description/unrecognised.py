"""What a commit has that nothing describes, and the three ways on, in words. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from framework.apps.commit_files import CommitFiles
from prevs.records import AppRecord

_SIGNS = (
    "package.json",
    "index.html",
    "requirements.txt",
    "pyproject.toml",
    "setup.py",
    "Pipfile",
    "manage.py",
    "Procfile",
    "go.mod",
    "Gemfile",
    "composer.json",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Cargo.toml",
    "deno.json",
    "mix.exs",
    "Makefile",
)
"""Files by which people know what a repository is."""
_LOOKED_INTO = 30
"""In how many folders a Dockerfile is looked for: each costs a call of git."""
_SHOWN = 8
_LONGEST = 60
"""The longest name of a file that is shown."""


class NotDescribed(Exception):
    """Nothing in a commit says how to run it. The message is for people, with the ways on."""


def explain(
    files: CommitFiles, there: Mapping[str, str], app: AppRecord, near: Sequence[str]
) -> NotDescribed:
    """Return why nothing describes a commit; `there` are the entries of the app's folder.

    `near` are sentences about what a recipe nearly fits.
    """
    where = app.folder or "the root of the repository"
    if not there:
        missing = f"There is no folder {app.folder} in this commit" if app.folder else ""
        return NotDescribed(
            f"{missing or 'This commit has no files'}, so there is nothing to run. "
            + (_name_folder(app) if app.folder else "Push a commit with a Dockerfile.")
        )
    return NotDescribed(
        f"Nothing in {where} says how to run it. prevs looked for .prevs.toml, a Dockerfile, a "
        "compose file (compose.yaml or docker-compose.yml), and files that a recipe begins with. "
        f"{_tell_found(files, there)} {'. '.join(near)}{'. ' if near else ''}"
        f"Three ways on: write a Dockerfile there; or say where it is, with [build] dockerfile in "
        f".prevs.toml, or {_folder_words(app)}; or write a compose.yaml. Then push."
    )


def _tell_found(files: CommitFiles, there: Mapping[str, str]) -> str:
    signs = [name for name in _SIGNS if there.get(name) == "file"]
    others = [f"{folder}/Dockerfile" for folder in _find_dockerfiles(files, there)]
    if found := [*signs, *others][:_SHOWN]:
        return f"It found {_enumerate(found)}."
    names = sorted(name for name in there if name.isprintable() and len(name) <= _LONGEST)
    return f"It found {_enumerate(names[:_SHOWN])}." if names else ""


def _find_dockerfiles(files: CommitFiles, there: Mapping[str, str]) -> Iterator[str]:
    """Yield the folders next to the root that have a Dockerfile."""
    folders = sorted(name for name, kind in there.items() if kind == "folder" and _is_plain(name))
    for folder in folders[:_LOOKED_INTO]:
        if files.list(folder).get("Dockerfile") == "file":
            yield folder


def _is_plain(name: str) -> bool:
    return name.isprintable() and not name.startswith(".")


def _name_folder(app: AppRecord) -> str:
    return f"Name another folder: {_folder_words(app)}."


def _folder_words(app: AppRecord) -> str:
    return f"prevs app set {app.name} --folder FOLDER"


def _enumerate(texts: list[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else texts[0]
