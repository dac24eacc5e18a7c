"""What the tools that build pages make: a folder of pages, or a server. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from framework.apps.recipes.project import Project, is_plain, string, table

_OF_TOOL = re.compile(
    r"(?:^|[\s/])(?:vite(?:\s+(?:dev|serve|preview|--\S+).*)?$|react-scripts\s+start|"
    r"react-app-rewired\s+start|craco\s+start|ng\s+serve|ng\s+s\b|astro\s+(?:dev|preview)|"
    r"gatsby\s+(?:develop|serve)|vue-cli-service\s+serve|docusaurus\s+(?:start|serve)|parcel\b|"
    r"webpack\s+serve|webpack-dev-server|next\s+(?:dev|start)\b|nuxt\b|nuxi\b|svelte-kit\s+dev|rollup\b.*-w|"
    r"vitepress\s+(?:dev|preview)|vuepress\s+dev|eleventy\b.*--serve|ember\s+serve|hexo\s+server)"
)
_OUTPUT_FOLDER = re.compile(r"\b(?:outDir|distDir)\s*:\s*[\"']([^\"']+)[\"']")


class Output(NamedTuple):
    """What a tool makes: pages in `folder`, or what the line of shell `server` runs.

    With `fallback` the page of the root answers each path: the application in the browser reads it.
    """

    by: str
    folder: str = ""
    fallback: bool = False
    server: str = ""
    notes: tuple[str, ...] = ()


class _Look(NamedTuple):
    project: Project
    dependencies: frozenset[str]
    scripts: Mapping[str, Any]

    def configuration(self, name: str) -> str:
        """Return the text of a tool's file of settings."""
        endings = ("js", "mjs", "ts", "cjs", "mts")
        found = self.project.first(*(f"{name}.{ending}" for ending in endings))
        return self.project.text(found) if found else ""


def starts(scripts: Mapping[str, Any]) -> bool:
    """Return whether the start script is a server of its own, and no tool's.

    A tool's either serves what a developer is writing, or is found by the tool.
    """
    start = string(scripts.get("start")).strip()
    return bool(start) and not _OF_TOOL.search(start)


def find(
    project: Project, dependencies: frozenset[str], scripts: Mapping[str, Any]
) -> Output | None:
    """Return what the first known tool makes, None if the repository uses none."""
    look = _Look(project, dependencies, scripts)
    for package, output in _TOOLS:
        if package in dependencies:
            return output(look) if callable(output) else output
    return None


def _next(look: _Look) -> Output:
    if re.search(r"\boutput\s*:\s*[\"']export[\"']", look.configuration("next.config")):
        return Output("Next", "out")
    return Output("Next", server='exec next start --hostname 0.0.0.0 --port "$PORT"')


def _nuxt(look: _Look) -> Output:
    if "generate" in string(look.scripts.get("build")):
        return Output("Nuxt", ".output/public", fallback=True)
    return Output("Nuxt", server="exec node .output/server/index.mjs")


def _astro(look: _Look) -> Output:
    if "@astrojs/node" in look.dependencies:
        return Output("Astro", server="exec node dist/server/entry.mjs")
    return Output("Astro", _own_folder(look, "astro.config", "dist"))


def _sveltekit(look: _Look) -> Output:
    if "@sveltejs/adapter-node" in look.dependencies:
        return Output("SvelteKit", server="exec node build")
    if "@sveltejs/adapter-static" in look.dependencies:
        page = "200.html" in look.configuration("svelte.config")
        return Output("SvelteKit", "build", fallback=not page)
    note = (
        "SvelteKit without @sveltejs/adapter-node or -static is served by vite preview, which "
        "refuses hosts that preview.allowedHosts in vite.config does not name."
    )
    preview = 'exec vite preview --host 0.0.0.0 --port "$PORT" --strictPort'
    return Output("SvelteKit", server=preview, notes=(note,))


def _vite(look: _Look) -> Output:
    return Output("Vite", _own_folder(look, "vite.config", "dist"), fallback=True)


def _own_folder(look: _Look, configuration: str, usual: str) -> str:
    match = _OUTPUT_FOLDER.search(look.configuration(configuration))
    folder = match[1].removeprefix("./").rstrip("/") if match else usual
    return folder if is_plain(folder) else usual


def _angular(look: _Look) -> Output:
    projects = table(look.project.json("angular.json"), "projects")
    name = next(iter(projects), "")
    build = table(projects.get(name), "architect", "build")
    options = table(build, "options").get("outputPath")
    path = string(options) or string(table(options).get("base")) or f"dist/{name}"
    if string(build.get("builder")).endswith(":application"):
        path += "/browser"
    return Output("Angular", path if is_plain(path) else "dist", fallback=True)


def _eleventy(look: _Look) -> Output:
    text = look.configuration("eleventy.config") or look.project.text(".eleventy.js")
    match = re.search(r"\boutput\s*:\s*[\"']([^\"']+)[\"']", text)
    return Output("Eleventy", match[1] if match and is_plain(match[1]) else "_site")


_Finder = Callable[[_Look], Output]
_TOOLS: tuple[tuple[str, Output | _Finder], ...] = (
    ("next", _next),
    ("nuxt", _nuxt),
    ("astro", _astro),
    ("@sveltejs/kit", _sveltekit),
    ("gatsby", Output("Gatsby", "public")),
    ("@docusaurus/core", Output("Docusaurus", "build")),
    ("vitepress", Output("VitePress", "docs/.vitepress/dist")),
    ("vuepress", Output("VuePress", "docs/.vuepress/dist")),
    ("@11ty/eleventy", _eleventy),
    ("hexo", Output("Hexo", "public")),
    ("@angular/core", _angular),
    ("react-scripts", Output("Create React App", "build", fallback=True)),
    ("@vue/cli-service", Output("Vue CLI", "dist", fallback=True)),
    ("ember-cli", Output("Ember", "dist", fallback=True)),
    ("vite", _vite),
    ("parcel", Output("Parcel", "dist", fallback=True)),
    ("webpack", Output("webpack", "dist", fallback=True)),
)
"""By their packages, the more telling ones first: many of them bring Vite along."""
