"""What a service has mounted: volumes, files of the commit, folders in memory. Pure."""

import hashlib
import posixpath
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from framework.apps.compose.amounts import read_megabytes
from framework.apps.compose.notes import Notes, cut
from framework.apps.compose.yaml_tree import Node, Scalar

_IN_PLACE = "path-"
_SYSTEM = ("/proc", "/sys", "/dev")
_CLOCK = ("/etc/localtime", "/etc/timezone")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_LONG = ("type", "source", "src", "target", "dst", "destination", "read_only", "readonly", "tmpfs")
_LONG_UNUSED = dict.fromkeys(("bind", "volume", "consistency", "image"), "it has no effect here")


class Mount(NamedTuple):
    """Something at a path of a container.

    `kind` is volume, with its name as `source`, or none for an anonymous one; bind, with a path of
    the commit; socket, which is a mistake; or tmpfs, with its MB as `size`. A volume `is_own` if it
    is in the place of a path, so that its name is none of those at the top.
    """

    node: Node
    kind: str
    source: str
    path: str
    read_only: bool = False
    size: int = 0
    is_own: bool = False


class Paths(NamedTuple):
    """Where the app's folder is in the repository, and what is at a path from it on.

    `kind` returns file, folder, link or submodule; "" for nothing.
    """

    root: str = ""
    kind: Callable[[str], str] = lambda _: "file"

    def inside(self, path: str, folder: str) -> str | None:
        """Return a path that begins at `folder`, from the app's folder on.

        None if it leads out of the repository.
        """
        if path.startswith(("/", "~")) or not path.isprintable():
            return None
        own = posixpath.normpath(posixpath.join(folder, path))
        whole = posixpath.normpath(posixpath.join(self.root, own))
        return None if whole == ".." or whole.startswith("../") else own


def read_mount(node: Node, where: str, notes: Notes, paths: Paths) -> Mount | None:
    """Return what an entry of volumes means, None if it is a mistake or has no effect."""
    found = _read_short(node, where, notes) if isinstance(node, Scalar) else None
    if not isinstance(node, Scalar):
        found = _read_long(node, where, notes)
    if found is None:
        return None
    target = check_target(node, where, found.path, notes)
    if target is None:
        return None
    if found.kind != "bind":
        return found._replace(path=target)
    if found.source.rstrip("/") in _CLOCK:
        notes.tell(node, where, "a container has the clock of its image")
        return None
    source = paths.inside(found.source, node.origin.folder)
    if source is None:
        notes.refuse(node, where, _explain_host(found.source))
        return found._replace(kind="socket") if _is_socket(found.source) else None
    if not paths.kind(source):
        notes.tell(node, where, f"{cut(source)} is not in the commit, so it is a volume")
        name = _name_volume(source)
        return found._replace(kind="volume", path=target, source=name, is_own=True)
    return found._replace(path=target, source=source)


def _name_volume(path: str) -> str:
    """Return the name of the volume in place of a path; no volume of a file is called so."""
    digest = hashlib.sha256(path.encode()).hexdigest()
    return f"{_IN_PLACE}{digest[:16]}"


def check_target(node: Node, where: str, path: str, notes: Notes) -> str | None:
    """Return where something is in a container, if it may be there."""
    normal = posixpath.normpath(path.replace("//", "/"))
    if not path.startswith("/") or not path.isprintable():
        notes.refuse(node, where, "must be at an absolute path in the container, like /data")
    elif normal != "/dev/shm" and (  # noqa: S108  # the container's
        normal in {"/", "//"} or any(f"{normal}/".startswith(f"{one}/") for one in _SYSTEM)
    ):
        why = "may not be at / or below /proc, /sys and /dev: they belong to the system"
        notes.refuse(node, where, why)
    else:
        return normal
    return None


def _is_socket(source: str) -> bool:
    return "docker.sock" in source


def _explain_host(source: str) -> str:
    if _is_socket(source):
        return (
            "gives it the agent's Docker, and so the agent: leave it out; prevs itself shows logs "
            "and leads visitors to the services"
        )
    return (
        f"names {cut(source)}, which is no path of this repository: a preview has no files of its "
        "agent; name a file of the repository, or a named volume"
    )


def _read_short(node: Scalar, where: str, notes: Notes) -> Mount | None:
    text = notes.text(node, where)
    if text is None:
        return None
    first, sign, rest = text.partition(":")
    if not sign:
        return Mount(node, "volume", "", first)
    if not first:
        notes.tell(node, where, "nothing says what is mounted, so it is a volume")
    path, _, mode = rest.partition(":")
    is_path = first.startswith((".", "/", "~")) or "/" in first
    kind = "bind" if is_path else "volume"
    return Mount(node, kind, first, path, read_only="ro" in mode.split(","))


def _read_long(node: Node, where: str, notes: Notes) -> Mount | None:
    given: dict[str, str] = {}
    size = 0
    for name, _, value in notes.known(node, where, _LONG, _LONG_UNUSED):
        if name == "tmpfs":
            size = _read_size(value, f"{where}.tmpfs", notes)
        elif (text := notes.text(value, f"{where}.{name}")) is not None:
            given[name] = text
    kind = given.get("type", "volume")
    if kind not in {"volume", "bind", "tmpfs"}:
        notes.refuse(node, where, f"must have the type volume, bind or tmpfs, not {cut(kind)}")
        return None
    source = given.get("source") or given.get("src") or ""
    path = given.get("target") or given.get("dst") or given.get("destination") or ""
    is_read_only = (given.get("read_only") or given.get("readonly") or "").lower() == "true"
    return Mount(node, kind, source, path, is_read_only, size)


def _read_size(node: Node, where: str, notes: Notes) -> int:
    size = 0
    for name, _, value in notes.known(node, where, ("size",), {"mode": "it is open to all users"}):
        text = notes.text(value, f"{where}.{name}")
        size = read_megabytes(text or "") or 0
    return size


def read_tmpfs(node: Node, where: str, notes: Notes) -> Mapping[str, int]:
    """Return the folders in memory of the key tmpfs, each with its MB."""
    found: dict[str, int] = {}
    for one in notes.texts(node, where) or ():
        path, _, options = one.partition(":")
        sizes = [part[5:] for part in options.split(",") if part.startswith("size=")]
        if (target := check_target(node, where, path, notes)) is not None:
            found[target] = (read_megabytes(sizes[0]) or 0) if sizes else 0
    return found


class Source(NamedTuple):
    """Where the text of a secret or a config is from: a file, its own text, or the app's secret.

    `missing` is why it is from nowhere, as the rest of a sentence.
    """

    file: str = ""
    text: str = ""
    secret: str = ""
    missing: str = ""


def read_sources(node: Node, where: str, notes: Notes, paths: Paths) -> dict[str, Source]:
    """Return the secrets or the configs of the file by name."""
    found: dict[str, Source] = {}
    if isinstance(node, Scalar) and node.is_null:
        return found
    for name, (key, value) in (notes.table(node, where) or {}).items():
        inside = f"{where}.{cut(name)}"
        given: dict[str, str] = {}
        unused = dict.fromkeys(
            ("labels", "driver", "driver_opts", "template_driver"), "it has no effect here"
        )
        known = ("file", "environment", "content", "external", "name")
        for one, _, inner in notes.known(value, inside, known, unused):
            if (text := notes.text(inner, f"{inside}.{one}")) is not None:
                given[one] = text
        if "file" in given:
            path = paths.inside(given["file"], value.origin.folder)
            if path is None:
                notes.refuse(key, f"{inside}.file", _explain_host(given["file"]))
            found[name] = Source(file=path or "")
            if path is not None and not paths.kind(path):
                found[name] = _replace_file(key, inside, path, notes)
        elif "content" in given:
            found[name] = Source(text=given["content"])
        else:
            secret = given.get("environment") or _name_secret(name)
            if not _VARIABLE.fullmatch(secret):
                notes.refuse(key, inside, "must name a variable with letters, digits and _")
                continue
            notes.tell(key, inside, f"it is the app's secret {cut(secret)}: prevs env set")
            found[name] = Source(secret=secret)
    return found


def _name_secret(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "_")


def _replace_file(key: Scalar, where: str, path: str, notes: Notes) -> Source:
    """Return what is in the place of a file that is not in the commit: the app's secret."""
    secret = _name_secret(key.text)
    is_name = bool(_VARIABLE.fullmatch(secret))
    if is_name and (notes.given is None or secret in notes.given):
        what = f"{cut(path)} is not in the commit: the app's secret {cut(secret)} is taken"
        notes.tell(key, f"{where}.file", what)
        return Source(secret=secret)
    way = f", or give the app a secret: prevs env set APP {cut(secret)}=…" if is_name else ""
    why = f"{cut(path)} is not in the commit: commit a file with a value for previews{way}"
    return Source(missing=f"names {cut(key.text)}, whose file {why}")
