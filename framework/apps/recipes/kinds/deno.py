"""Deno."""

import re

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes import listening
from framework.apps.recipes.images import BaseImages
from framework.apps.recipes.kinds.started import Started
from framework.apps.recipes.project import Project
from framework.apps.recipes.recipe import Recipe

LOOKED_FOR = ("deno.json", "deno.jsonc", "deno.lock")
_MAINS = ("main.ts", "server.ts", "mod.ts", "index.ts", "main.js", "server.js", "main.tsx")
_TASK = re.compile(r'"(start|build)"\s*:')
_SERVES = re.compile(r"export default \{[^}]*\bfetch\b", re.DOTALL)
_RIGHTS = "--allow-net --allow-env --allow-read --allow-write --allow-sys"


def find(project: Project, images: BaseImages) -> Recipe | str | None:
    """Return the recipe of an application for Deno, or why it nearly has one."""
    file = project.first(*LOOKED_FOR)
    if not file or project.has("package.json"):
        return None
    tasks = set(_TASK.findall(project.text(file))) if file != "deno.lock" else set()
    started = _find_started(project, file, tasks)
    if started is None:
        return f"{file} is there, and has no task start, and none of main.ts and server.ts is there"
    built = [lines.run("deno task build")] if "build" in tasks else []
    return Recipe(
        kind="deno",
        name="Deno",
        why=tuple(dict.fromkeys((file, started.by))),
        text=lines.write(
            *lines.begin(images.choose("deno").reference),
            "ENV DENO_DIR=/app/.deno",
            lines.COPY_ALL,
            *built,
            *started.built,
            lines.command(started.line),
        ),
        command=started.line,
        port=started.port,
        notes=listening.told_port(started.port, started.by),
    )


def _find_started(project: Project, file: str, tasks: set[str]) -> Started | None:
    if line := listening.find_web(project):
        return Started(line, "Procfile", port=listening.port_of_command(line))
    if "start" in tasks:
        return Started("exec deno task start", file)
    if not (main := project.first(*_MAINS)):
        return None
    text = project.text(main)
    cached = (lines.run(f"deno cache {main}"),)
    if _SERVES.search(text):
        line = f'exec deno serve {_RIGHTS} --host 0.0.0.0 --port "$PORT" {main}'
        return Started(line, main, built=cached)
    port = listening.port_of_source(text)
    if port is None and "PORT" not in text and "Deno.serve" in text:
        port = 8000
    return Started(f"exec deno run {_RIGHTS} {main}", main, built=cached, port=port)
