"""What a recipe runs, and what is known of it."""

from typing import NamedTuple


class Started(NamedTuple):
    """A line of shell that starts an application, and which file says so, for people.

    `packages` are what it needs beside those that the repository asks for, `built` lines for after
    the packages and the commit are there.
    """

    line: str
    by: str
    port: int | None = None
    health: str | None = None
    packages: tuple[str, ...] = ()
    built: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
