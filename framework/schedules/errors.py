"""What is wrong with a request about schedules."""

from framework.errors import Conflict, NotFound


class UnknownSchedule(NotFound):
    """No schedule of that name."""

    def __init__(self, app: str, name: str) -> None:
        super().__init__(
            f"{app!r} has no schedule {name!r}. `prevs schedule ls {app}` lists its schedules."
        )
        self.app, self.name = app, name


class ScheduleOfFile(Conflict):
    """A schedule that the .prevs.toml of the default branch has: it is changed there alone."""

    def __init__(self, app: str, name: str, label: str) -> None:
        super().__init__(
            f"The schedule {name!r} of {app!r} is that of [jobs.{name}] in the .prevs.toml at "
            f"{label!r}. Change it there, give yours another name, or pause it: `prevs schedule "
            f"pause {app} {name}`."
        )
        self.app, self.name, self.label = app, name, label


class TooManySchedules(Conflict):
    """An app has as many schedules as it may."""

    def __init__(self, app: str, most: int) -> None:
        super().__init__(
            f"{app!r} may have {most} schedules. Remove one first: `prevs schedule ls {app}`."
        )
        self.app, self.most = app, most
