"""The types of the API's answers, which records.pyi has for mypy.

At run time each is a dict: to make them all would take longer than most commands take.
"""


def __getattr__(name: str) -> type:
    """Return what a type is at run time."""
    if name.startswith("_"):
        raise AttributeError(name)
    return dict
