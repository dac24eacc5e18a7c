"""What a repository's own texts say of how it is started, and at which port. Pure."""

import re

from framework.apps.recipes.project import Project

_WEB = re.compile(r"^web\s*:\s*(\S.*?)\s*$", re.MULTILINE)
_SIMPLE = re.compile(r"(?!(?:cd|exec|export|set|if|for|while|source)\b)[\w./-]+(?:\s[^;&|()<>`]*)?")
"""One command, which may take the place of the shell: signals then reach it."""

_LINE = re.compile(r"^([A-Za-z0-9_-]{1,30})\s*:\s*\S", re.MULTILINE | re.ASCII)
_LONGEST = 2000
_OWN_PORT = re.compile(r"\bPORT\b")
_IN_COMMAND = re.compile(
    r"(?:(?:--(?:server\.)?port|-p|--http-port)(?:\s+|=)|(?:--bind|-b|--listen|-l)(?:\s+|=)\S*?:|"
    r"(?:0\.0\.0\.0|localhost|127\.0\.0\.1):)(\d{2,5})\b"
)
_IN_SOURCE = re.compile(
    r"(?:\blisten\(\s*|\bListenAndServe\w*\(\s*[\"`][^\"`]*:|\b[Rr]un\(\s*[\"`][^\"`]*:|"
    r"\b[Ll]isten\(\s*[\"`][^\"`]*:|\bbind\(\s*&?[\"`][^\"`]*:|\bport\s*[=:]\s*)(\d{2,5})\b"
)
_TUPLE = re.compile(r"\(\s*[\"'][\w.]*[\"']\s*,\s*(\d{2,5})\s*\)")


def find_web(project: Project) -> str:
    """Return what the Procfile's `web:` runs as a line of shell, "" if there is none."""
    match = _WEB.search(project.text("Procfile"))
    if match is None or len(match[1]) > _LONGEST or not match[1].isprintable():
        return ""
    return f"exec {match[1]}" if _SIMPLE.fullmatch(match[1]) else match[1]


def tell_others(project: Project) -> tuple[str, ...]:
    """Return a note about the lines of a Procfile that nothing runs."""
    others = [name for name in _LINE.findall(project.text("Procfile")) if name != "web"][:5]
    if not others:
        return ()
    return (
        f"The Procfile's {' and '.join(others)} do not run: in .prevs.toml a release is a hook, "
        "and a worker is a companion with a command.",
    )


def port_of_command(command: str) -> int | None:
    """Return the port that stands in a command, None if it has $PORT or names none."""
    return None if _OWN_PORT.search(command) else _valid(_IN_COMMAND.search(command))


def port_of_source(source: str) -> int | None:
    """Return the port that stands in a program, None if it reads PORT or names none."""
    if _OWN_PORT.search(source):
        return None
    return _valid(_IN_SOURCE.search(source)) or _valid(_TUPLE.search(source))


def _valid(match: re.Match[str] | None) -> int | None:
    port = int(match[1]) if match else 0
    return port if 1 <= port <= 65535 else None


def told_port(port: int | None, where: str) -> tuple[str, ...]:
    """Return a note about a port that was found in `where`, and not taken from $PORT."""
    if port is None:
        return ()
    return (f"{where} listens at port {port}, not at $PORT: prevs takes {port}.",)
