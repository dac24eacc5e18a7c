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


LOOKED_FOR = (
    ".prevs.toml",
    "a Dockerfile",
    "a compose file (compose.yaml or docker-compose.yml)",
    "files that a recipe begins with",
)


class NotDescribed(Exception):
    """Nothing in a commit says how to run it. The message is for people, with the ways on.

    `found` are names of files; `near`, what a recipe nearly fits, and `ways`, what one can do, have
    no full stop. `why` is the message without all of this.
    """

    def __init__(
        self, why: str, *, found: Sequence[str] = (), near: Sequence[str] = (), ways: Sequence[str]
    ) -> None:
        self.why, self.found, self.near, self.ways = why, tuple(found), tuple(near), tuple(ways)
        super().__init__(" ".join(filter(None, self._tell())))

    def _tell(self) -> Iterator[str]:
        yield self.why
        if len(self.ways) == 1:
            yield f"{self.ways[0][:1].upper()}{self.ways[0][1:]}."
            return
        yield f"prevs looked for {', '.join(LOOKED_FOR[:-1])}, and {LOOKED_FOR[-1]}."
        yield f"It found {_enumerate(self.found)}." if self.found else ""
        yield from (f"{one}." for one in self.near)
        yield f"Three ways on: {'; or '.join(self.ways)}. Then push."


def explain(
    files: CommitFiles, there: Mapping[str, str], app: AppRecord, near: Sequence[str]
) -> NotDescribed:
    """Return why nothing describes a commit; `there` are the entries of the app's folder.

    `near` are sentences about what a recipe nearly fits.
    """
    if not there:
        missing = f"There is no folder {app.folder} in this commit" if app.folder else ""
        why = f"{missing or 'This commit has no files'}, so there is nothing to run."
        way = f"name another folder: {_folder_words(app)}"
        return NotDescribed(why, ways=[way if app.folder else "push a commit with a Dockerfile"])
    where = app.folder or "the root of the repository"
    ways = (
        "write a Dockerfile there",
        f"say where it is, with [build] dockerfile in .prevs.toml, or {_folder_words(app)}",
        "write a compose.yaml",
    )
    why = f"Nothing in {where} says how to run it."
    return NotDescribed(why, found=_list_found(files, there), near=near, ways=ways)


def _list_found(files: CommitFiles, there: Mapping[str, str]) -> Sequence[str]:
    signs = [name for name in _SIGNS if there.get(name) == "file"]
    others = [f"{folder}/Dockerfile" for folder in _find_dockerfiles(files, there)]
    if found := [*signs, *others]:
        return found[:_SHOWN]
    return sorted(name for name in there if name.isprintable() and len(name) <= _LONGEST)[:_SHOWN]


def _find_dockerfiles(files: CommitFiles, there: Mapping[str, str]) -> Iterator[str]:
    """Yield the folders next to the root that have a Dockerfile."""
    folders = sorted(name for name, kind in there.items() if kind == "folder" and _is_plain(name))
    for folder in folders[:_LOOKED_INTO]:
        if files.list(folder).get("Dockerfile") == "file":
            yield folder


def _is_plain(name: str) -> bool:
    return name.isprintable() and not name.startswith(".")


def _folder_words(app: AppRecord) -> str:
    """Return how to name a folder, also before an app has a name."""
    return (
        f"prevs app set {app.name} --folder FOLDER" if app.name else "add it with --folder FOLDER"
    )


def _enumerate(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else texts[0]
