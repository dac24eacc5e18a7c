"""The value of a declared setting, as people read it."""

from typing import Any

from cli.display.sentences import clock_time, duration
from prevs.declarations import Setting


def show_setting(one: Setting, value: Any) -> str:
    """Return a value as text, with its unit."""
    if value == 0 and one.about.zero:
        return one.about.zero
    if one.about.unit == "seconds":
        return duration(round(value))
    if one.about.unit == "time":
        return clock_time(value)
    text = f"{value:g}" if one.kind is float else str(value)
    return f"{text} {one.about.unit}" if one.about.unit else text
