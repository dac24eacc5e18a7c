from framework.preview.transitions import SettingsNotRead
from framework.units.lifecycle import Event
from framework.units.transitions import Failed
from prevs.records import Failure
from prevs.states import Cause


def test_settings_that_never_came_are_given_up_and_those_that_came_are_refused() -> None:
    away = Failure(Cause.REPOSITORY_UNREACHABLE, "The repository cannot be read.")
    wrong = Failure(Cause.SETTINGS_INVALID, "Line 3 of .prevs.toml is wrong.")
    assert SettingsNotRead(Failed(away, Event.GIVEN_UP, 6)).event is Event.GIVEN_UP
    assert SettingsNotRead(Failed(wrong)).event is Event.UNFIT
