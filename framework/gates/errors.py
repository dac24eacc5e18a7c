"""What is wrong with a request about gates."""

from framework.errors import Conflict, NotFound


class UnknownGate(NotFound):
    """No gate of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no gate {name!r}. `prevs gate ls` lists the gates.")
        self.name = name


class UnknownRevision(NotFound):
    """A gate has no earlier revision of that number, or none at all."""

    def __init__(self, name: str, number: int | None, known: list[int]) -> None:
        numbers = ", ".join(map(str, known))
        if not known:
            why = f"The gate {name!r} has no earlier revision: it was written once."
        elif number is None:
            why = f"The gate {name!r} has no revision before that. It has {numbers}."
        else:
            why = f"The gate {name!r} has no revision {number}. It has {numbers}."
        super().__init__(f"{why} `prevs gate set {name} FILE` writes a new one.")
        self.name, self.number = name, number


class UnknownRule(NotFound):
    """A gate has no rule of that path, or none there with that condition; `known` says which."""

    def __init__(self, what: str, known: str) -> None:
        super().__init__(
            f"The gate has no rule of {what}. It has: {known}. `prevs gate set` writes another one."
        )


class WeightRefused(Conflict):
    """The other targets of a rule leave no place for that weight; `why` is half a sentence."""

    def __init__(self, label: str, why: str) -> None:
        super().__init__(f"{label!r} {why}. `prevs gate set` writes all weights of a rule.")
        self.label = label


class GateChanged(Conflict):
    """Somebody else has changed the gate while a change of it was prepared."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The gate {name!r} has been changed by somebody else just now. "
            f"Look at it (`prevs gate show {name}`), and try again."
        )
        self.name = name


class RevisionChanged(Conflict):
    """Somebody else changed the gate meanwhile.

    `number`, `by`: the current revision and its author; no number: the gate was deleted.
    """

    def __init__(self, name: str, number: int | None, by: str = "") -> None:
        written = f", written by {by}" if by else ""
        super().__init__(
            f"There is no gate {name!r} any more. `prevs gate ls` lists the gates."
            if number is None
            else f"The gate {name!r} has revision {number} by now{written}, and this change was "
            f"made for an earlier one. Look at it first: `prevs gate show {name}`."
        )
        self.name, self.number = name, number


class TargetFailed(Conflict):
    """A change of a gate leads to what cannot run; `why` is a sentence or more."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"The gate {name!r} stays as it is. {why}")
        self.name = name


class TooManyGates(Conflict):
    """There are as many gates as there may be."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"There may be {most} gates. Remove one first: `prevs gate ls` lists them."
        )
        self.most = most


class NameOfGate(Conflict):
    """A new app would get a name that a gate of another app has: both have the same address."""

    def __init__(self, name: str, app: str, stack: str = "") -> None:
        of = f"the stack {stack!r}" if stack else f"the app {app!r}"
        step = f"prevs stack rm {stack}" if stack else f"prevs gate rm {name}"
        super().__init__(
            f"The name {name!r} is that of a gate of {of}, and both would have one address. "
            f"Choose another name, or remove the {'stack' if stack else 'gate'}: `{step}`."
        )
        self.name, self.app = name, app
