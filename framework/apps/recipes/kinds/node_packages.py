"""How the packages of a package.json are installed: by npm, pnpm, yarn or Bun. Pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from framework.apps.recipes.project import Project, string, table

_FIELD = re.compile(r"(npm|pnpm|yarn|bun)@(\d{1,4}\.\d{1,4}\.\d{1,4})\b", re.ASCII)
_LOCK_FORMAT = re.compile(r"^lockfileVersion:\s*'?(\d+)", re.MULTILINE)
_PNPM_OF_LOCK = {"5": "7", "6": "8", "9": "9"}
_HOOKS = ("preinstall", "install", "postinstall", "prepare")
_HARMLESS = re.compile(r"\s*(?:husky\b|patch-package\b|prisma generate\b|is-ci\b).*")
_LOCAL = re.compile(r"(?:file|link|portal|workspace):")
_CONFIGURATION = (".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "bunfig.toml")
_FOLDERS = (".yarn", "patches", "prisma")


class Packages(NamedTuple):
    """Who installs the packages. `copied` files and `folders` are enough for that; none: all are.

    `as_root` are lines that make `tool` known; `kind` is the base image.
    """

    name: str
    tool: str
    install: str
    why: tuple[str, ...]
    copied: tuple[str, ...]
    folders: tuple[str, ...]
    notes: tuple[str, ...]
    kind: str = "node"
    as_root: tuple[str, ...] = ()
    environment: str = "npm_config_cache=/cache/npm npm_config_update_notifier=false"
    caches: tuple[str, ...] = ("npm",)


class _Tool(NamedTuple):
    """A tool with its version, "" if the repository does not name one, and its lock file."""

    name: str
    version: str
    lock: str


def find_packages(project: Project, package: Mapping[str, Any]) -> Packages:
    """Return how the packages of a package.json are installed."""
    tool = _find_tool(project, package)
    whole = _needs_all(project, package)
    copied = () if whole else ("package.json", *((tool.lock,) if tool.lock else ()))
    more = () if whole else project.those(_CONFIGURATION)
    found = Packages(
        name="Node with npm",
        tool="npm",
        install=_install_by_npm(tool),
        why=(tool.lock,) if tool.lock else (),
        copied=(*copied, *more),
        folders=() if whole else tuple(one for one in _FOLDERS if _has_folder(project, one)),
        notes=() if tool.lock else ("No lock file: each build may get other versions.",),
    )
    if tool.name == "pnpm":
        return _by_pnpm(project, tool, found)
    if tool.name == "yarn":
        return _by_yarn(project, tool, found)
    return _by_bun(tool, found) if tool.name == "bun" else found


def _has_folder(project: Project, name: str) -> bool:
    return name in project.folders


def _find_tool(project: Project, package: Mapping[str, Any]) -> _Tool:
    match = _FIELD.match(string(package.get("packageManager")))
    name, version = (match[1], match[2]) if match else ("", "")
    locks = {
        "pnpm": ("pnpm-lock.yaml",),
        "yarn": ("yarn.lock",),
        "bun": ("bun.lock", "bun.lockb"),
        "npm": ("package-lock.json", "npm-shrinkwrap.json"),
    }
    for tool, files in locks.items():
        if name in ("", tool) and (lock := project.first(*files)):
            return _Tool(tool, version, lock)
    return _Tool(name or "npm", version, "")


def _install_by_npm(tool: _Tool) -> str:
    return "npm ci" if tool.lock else "npm install"


def _by_pnpm(project: Project, tool: _Tool, found: Packages) -> Packages:
    match = _LOCK_FORMAT.search(project.text(tool.lock)) if tool.lock else None
    version = tool.version or _PNPM_OF_LOCK.get(match[1] if match else "", "10")
    frozen = " --frozen-lockfile" if tool.lock else ""
    return found._replace(
        name="Node with pnpm",
        tool="pnpm",
        install=f"pnpm install{frozen} --store-dir /cache/pnpm",
        as_root=(f"RUN npm install --global --force pnpm@{version}",),
        caches=("pnpm",),
        environment="",
    )


def _by_yarn(project: Project, tool: _Tool, found: Packages) -> Packages:
    """Newer versions than 1 may run packages out of their cache, so that is no cache mount."""
    newer = project.has(".yarnrc.yml") or "__metadata:" in project.text(tool.lock)
    if not newer and tool.version.partition(".")[0] in ("", "1"):
        return found._replace(
            name="Node with yarn",
            tool="yarn",
            install="yarn install" + (" --frozen-lockfile" if tool.lock else ""),
            as_root=(f"RUN npm install --global --force yarn@{tool.version or '1.22.22'}",),
            environment="YARN_CACHE_FOLDER=/cache/yarn",
            caches=("yarn",),
        )
    return found._replace(
        name="Node with yarn",
        tool="yarn",
        install="yarn install" + (" --immutable" if tool.lock else ""),
        as_root=(f"RUN npm install --global --force @yarnpkg/cli-dist@{tool.version or '4.9.2'}",),
        environment="YARN_ENABLE_TELEMETRY=0",
        caches=(),
    )


def _by_bun(tool: _Tool, found: Packages) -> Packages:
    return found._replace(
        kind="bun",
        name="Bun",
        tool="bun",
        install="bun install" + (" --frozen-lockfile" if tool.lock else ""),
        environment="BUN_INSTALL_CACHE_DIR=/cache/bun",
        caches=("bun",),
    )


def _needs_all(project: Project, package: Mapping[str, Any]) -> bool:
    """Return whether an installation may look at more than the files that say what it installs."""
    scripts = table(package, "scripts")
    hooks = [string(scripts.get(name)) for name in _HOOKS if name in scripts]
    asked = (table(package, key) for key in ("dependencies", "devDependencies"))
    is_local = any(_LOCAL.match(string(one)) for group in asked for one in group.values())
    has_members = "workspaces" in package or project.has("pnpm-workspace.yaml")
    return has_members or is_local or any(not _HARMLESS.fullmatch(one) for one in hooks)
