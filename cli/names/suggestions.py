"""Similar names for an app or a label that does not exist."""

from typing import Protocol

from cli.client.generated.records import App, Apps, Ref, Refs
from cli.client.paging import Listed
from cli.display.sentences import shortened
from cli.errors import ApiRefused, CliError
from prevs.near_names import find_near

_MOST = 3


class Names(Protocol):
    """The lists of names. `Api` has them."""

    def list_apps(self) -> Listed[App, Apps]:
        """Return every app."""
        ...

    def list_refs(self, app: str) -> Listed[Ref, Refs]:
        """Return an app's branches and tags."""
        ...


def suggest(api: Names, refused: ApiRefused) -> str:
    """Return a question with the names similar to the refused one, or "" if there are none.

    Calls the API, and returns "" if it does not answer.
    """
    fields = refused.problem.fields
    try:
        match refused.problem.slug:
            case "unknown-app":
                apps = api.list_apps().found
                near = find_near(str(fields.get("app", "")), (app["name"] for app in apps), _MOST)
            case "unknown-label":
                refs = api.list_refs(str(fields.get("app", ""))).found
                near = find_near(refused.wanted, (ref["name"] for ref in refs), _MOST)
            case _:
                return ""
    except CliError:
        return ""
    return f"Did you mean {_either(near)}?" if near else ""


def _either(names: list[str]) -> str:
    quoted = [repr(shortened(name, 60)) for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
