"""Decides which of the steps that BuildKit reports are in a commit's own Dockerfile. Pure.

Builds that run at the same time share what is equal in them, and BuildKit then reports it to all of
them under the name that the first one gave it (moby/buildkit, solver/jobs.go, loadUnlocked and
setEdge): its number, its count of steps, its stage's name, and its files' names. So nothing of a
name reaches a log; it only finds the instruction of our own Dockerfile, which is shown as it is
written there.

The names are of frontend/dockerfile/dockerfile2llb: `[stage 2/5] COPY . /app`, without the stage if
there is only one, with variables expanded and some quotes removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Optional

from executor.builds.dockerfile import find_own_frontend, read_instructions

FOREIGN = "a step that is not in this Dockerfile: another build shares it, or a base image has it"
"""What is shown for a step that no instruction of the Dockerfile explains."""

_NAME = re.compile(r"\[(?:([^\]]{0,200}?) )? {0,9}(\d{1,9})/(\d{1,9})\] (.*)", re.DOTALL)
_OWN_KIND = re.compile(
    r"\[(?:internal|auth|context [^\]]*)\] |exporting |importing |resolve |docker-image://"
)
"""Steps that each build has for itself, or that BuildKit names by what they are."""

_STEPS = ("RUN", "COPY", "ADD", "WORKDIR")
"""The instructions that are steps, besides FROM."""

_LIKE_OURS = re.compile(r"\[[^\]]{0,200}?\d{1,9}/\d{1,9}\] |FROM ")
_FLAGS = re.compile(r"(?:--\S+\s+)*")
_STAGE = re.compile(r"(\S+)(?:\s+AS\s+(\S+))?\s*", re.IGNORECASE)
_FROM_ELSEWHERE = re.compile(r"(?:--|,|=)from=([^\s,]+)", re.IGNORECASE)
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_VARIABLE = re.compile(r"\$(?:\w+|[@*#?!-])?")
_UNMARKED = str.maketrans("", "", "\"'\\`")


class _Step(NamedTuple):
    """A step as we show it, in `stage`, and the pieces of its text around its variables."""

    stage: str
    number: int
    total: int
    text: str
    pieces: Sequence[str]

    def __str__(self) -> str:
        if not self.total:
            return self.text
        stage = f"{self.stage} " if self.stage else ""
        return f"[{stage}{self.number:{len(str(self.total))}}/{self.total}] {self.text}"


class OwnSteps:
    """The steps of a Dockerfile, which finds them by BuildKit's names. Remembers what it found."""

    def __init__(self, dockerfile: str) -> None:
        self._steps = _read_steps(dockerfile)
        self._is_named_elsewhere = find_own_frontend(dockerfile) is not None
        self._found: dict[str, str] = {}

    def name(self, given: str) -> str:
        """Return what to show for a step of this name: a step of the Dockerfile, or FOREIGN.

        Names of what is no step stay, and so do those of a frontend that the commit has chosen,
        which may be anything, unless they look like names of a Dockerfile.
        """
        if given not in self._found:
            self._found[given] = self._find(given)
        return self._found[given]

    def _find(self, given: str) -> str:
        if _OWN_KIND.match(given):
            return given
        match = _NAME.fullmatch(given)
        if match is None and self._is_named_elsewhere and not _LIKE_OURS.match(given):
            return given
        text = match[4] if match else given
        if text.startswith("LINK "):
            text = text[5:]
        digest = _DIGEST.search(text) if text.startswith("FROM ") else None
        plain = _plain(_DIGEST.sub("", text) if digest else text)
        found = [one for one in self._steps if _fits(plain, one.pieces)]
        more = digest.group() if digest else ""
        if match:
            stage, place = (match[1] or "").rpartition(" ")[2], (int(match[2]), int(match[3]))
            for one in found:
                if place == (one.number, one.total) and one.stage in ("", stage):
                    return f"{one}{more}"
        return f"{_choose(found)}{more}" if found else FOREIGN


def _choose(found: Sequence[_Step]) -> str:
    """Return a step that its place does not tell from others with the same text."""
    return str(found[0]) if len(found) == 1 else found[0].text


def _read_steps(dockerfile: str) -> Sequence[_Step]:
    stages = list(_read_stages(dockerfile))
    named = {name.lower() for name, _ in stages}
    steps = []
    for at, (name, lines) in enumerate(stages):
        shown = (name or f"stage-{at}") if len(stages) > 1 else ""
        texts = [text for line in lines if (text := _step_text(line, named))]
        for number, text in enumerate(texts, 1):
            steps.append(_Step(shown, number, len(texts), text, _pieces(text)))
        for line in lines:
            for image in _FROM_ELSEWHERE.findall(line):
                if image.lower() not in named and not image.isdigit():
                    text = _image_text(image)
                    steps.append(_Step("", 0, 0, text, _pieces(text)))
    return steps


def _read_stages(dockerfile: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the instructions of each stage, its FROM first."""
    stage: Optional[tuple[str, list[str]]] = None
    for line in read_instructions(dockerfile):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            if stage is not None:
                yield stage
            match = _STAGE.fullmatch(_without_flags(rest))
            stage = ((match[2] if match else "") or "", [line])
        elif stage is not None:
            stage[1].append(line)
    if stage is not None:
        yield stage


def _step_text(line: str, stages: set[str]) -> str:
    """Return the text of an instruction as a step, "" if it is none. `stages` are their names."""
    word, _, rest = line.partition(" ")
    if word != "FROM":
        return line if word in _STEPS else ""
    match = _STAGE.fullmatch(_without_flags(rest))
    image = match[1] if match else rest
    return "" if image.lower() in (*stages, "scratch") else _image_text(image)


def _without_flags(rest: str) -> str:
    flags = _FLAGS.match(rest)
    return rest[flags.end() :] if flags else rest


def _image_text(image: str) -> str:
    """Return the step of a base image, whose name is complete as in BuildKit's (reference.Named).

    A name with variables stays as it is written.
    """
    if "$" in image:
        return f"FROM {image}"
    image = _DIGEST.sub("", full := image.translate(_UNMARKED))
    host, slash, rest = image.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = "docker.io", image
    if host in ("docker.io", "index.docker.io"):
        host, rest = "docker.io", rest if "/" in rest else f"library/{rest}"
    tag = "" if full != image or ":" in rest else ":latest"
    return f"FROM {host}/{rest}{tag}"


def _pieces(text: str) -> Sequence[str]:
    """Return the plain text around the variables; of a base image's also around its registry."""
    found, at = [""], 0
    for variable in _VARIABLE.finditer(text):
        if variable.start() < at:
            continue
        found[-1] += _plain(text[at : variable.start()])
        found.append("")
        at = variable.end()
        if text[at : at + 1] == "{" and variable.group() == "$":
            at = _find_end(text, at)
    found[-1] += _plain(text[at:])
    if text.startswith("FROM ") and len(found) > 1:
        found = ["FROM", found[0].removeprefix("FROM"), *found[1:], ""]
    return found


def _find_end(text: str, at: int) -> int:
    """Return where the braces end that begin at `at`."""
    depth = 0
    for place in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return place + 1
    return len(text)


def _plain(text: str) -> str:
    """Return a text without what BuildKit may change: spaces, quotes and escapes."""
    return "".join(text.split()).translate(_UNMARKED)


def _fits(text: str, pieces: Sequence[str]) -> bool:
    """Return whether a text is these pieces with anything between them."""
    first, *between = pieces
    if not between:
        return text == first
    last = between.pop()
    if not text.startswith(first) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in between:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return text.endswith(last)
