"""The roles of Mesos for which we get offers. Pure."""

from typing import NamedTuple


class Roles(NamedTuple):
    """The role of previews, and that of jobs: "" if jobs use the offers of previews too."""

    previews: str = ""
    jobs: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The roles to subscribe with."""
        return (self.previews, self.jobs) if self.jobs else (self.previews,)
