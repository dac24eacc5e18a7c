"""What people do with an app's variables, as changes of what it is given. Service thread."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from framework.apps import app_secrets
from framework.apps.app_secrets import AppSecrets, Variable
from framework.clock import Clock
from framework.service.commands import Commands


class Changed(NamedTuple):
    """What an app was given before a change of its variables, and what it is given since."""

    before: AppSecrets
    given: AppSecrets


class VariableCommands:
    """Each method raises as Commands.change_secrets, and what its docstring names."""

    def __init__(self, commands: Commands, clock: Clock) -> None:
        self._commands = commands
        self._clock = clock

    def set(
        self,
        app: str,
        name: str,
        variable: Variable,
        *,
        scope: Mapping[str, Any] | None = None,
        only_if: AppSecrets | None = None,
    ) -> Changed:
        """Set a variable, and note when. Raises InvalidSettings, NoKey.

        `scope` has the fields of its VariableScope that change; the others stay as they were.
        """
        new = self._note_time(variable)
        return self._change(
            app, lambda given: app_secrets.with_variable(given, name, new, scope), only_if
        )

    def set_all(
        self,
        app: str,
        variables: Mapping[str, Variable],
        *,
        scope: Mapping[str, Any] | None = None,
        only_if: AppSecrets | None = None,
    ) -> Changed:
        """Set several variables in one write, all or none; else as `set`."""
        new = {name: self._note_time(one) for name, one in variables.items()}
        return self._change(
            app, lambda given: app_secrets.with_variables(given, new, scope), only_if
        )

    def unset(self, app: str, name: str, *, only_if: AppSecrets | None = None) -> Changed:
        """Remove a variable. Raises UnknownVariable."""
        now = self._clock.now()
        return self._change(
            app, lambda given: app_secrets.without_variable(given, name, now), only_if
        )

    def _note_time(self, variable: Variable) -> Variable:
        return Variable(variable.value, variable.secret, self._clock.now())

    def _change(
        self, app: str, change: Callable[[AppSecrets], AppSecrets], only_if: AppSecrets | None
    ) -> Changed:
        seen: list[AppSecrets] = []

        def note(before: AppSecrets) -> AppSecrets:
            seen.append(before)
            return change(before)

        given = self._commands.change_secrets(app, note, only_if)
        return Changed(seen[0], given)
