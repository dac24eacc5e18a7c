"""Lines of a Dockerfile that are safe to write: nothing of a repository leaves its line. Pure.

Names of files stand there only if they are plain (project.is_plain). What a commit runs stands in
CMD alone, as JSON, which Docker does not expand.
"""

import json
import shlex
from collections.abc import Sequence

from framework.apps.recipes.project import is_plain

USER = "1000:1000"
CACHES = "/cache"
BUILT = "/built"
NO_ENTRYPOINT = "ENTRYPOINT []"
"""Whatever a base image has, CMD is what runs."""

FIRST = "# prevs wrote this, as the commit has no Dockerfile. Keep it as Dockerfile to change it."
_OWNED = f"--chown={USER}"


def begin(image: str, *, stage: str = "", as_root: Sequence[str] = ()) -> list[str]:
    """Return the begin of a stage in /app as USER; `as_root` are lines before that.

    One with a name has the folder BUILT too, for what the next one copies.
    """
    named = f" AS {stage}" if stage else ""
    folders = f"{CACHES} {BUILT}" if stage else CACHES
    return [
        f"FROM {image}{named}",
        *as_root,
        "WORKDIR /app",
        f"RUN mkdir -p {folders} && chown {USER} /app {folders}",
        f"USER {USER}",
        "ENV HOME=/tmp PORT=8080",
    ]


def run(command: str, *caches: str) -> str:
    """Return a step of fixed text, which keeps some folders of CACHES for the next build."""
    mounts = "".join(
        f"--mount=type=cache,target={CACHES}/{name},uid=1000,gid=1000 " for name in caches
    )
    return f"RUN {mounts}{command}"


def copy(names: Sequence[str], target: str = "./") -> str:
    """Return the line that copies files of the commit. Raises ValueError unless all are plain."""
    if not all(map(is_plain, names)):
        raise ValueError(f"not plain: {names}")
    return f"COPY {_OWNED} {' '.join(names)} {target}"


def copy_folder(name: str, target: str) -> str:
    """Return the line that copies what is in a folder of the commit."""
    return copy([name], target)


COPY_ALL = f"COPY {_OWNED} . ."


def copy_built(path: str, target: str, stage: str = "build") -> str:
    """Return the line that copies what an earlier stage has made; the path is fixed or plain."""
    return f"COPY {_OWNED} --from={stage} {path} {target}"


def command(script: str) -> str:
    """Return the lines that run a line of shell, which may be any text of the commit."""
    return f"{NO_ENTRYPOINT}\nCMD {json.dumps(['sh', '-c', script])}"


def quote(word: str) -> str:
    """Return a word of the commit as a word of a line of shell."""
    return shlex.quote(word)


def write(*lines: str) -> str:
    """Return the text of a Dockerfile."""
    return "\n".join((FIRST, *lines)) + "\n"
