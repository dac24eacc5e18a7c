"""What is wrong with the fields of a request, in plain words."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from framework.errors import Problem


def read(found: Sequence[Any]) -> list[Problem]:
    """Return pydantic's errors as problems of fields, in plain words.

    What is not known beside something of a similar name that is missing is probably that.
    """
    missing = {
        (error["loc"][:-1], error["loc"][-1]) for error in found if error["type"] == "missing"
    }
    problems = []
    for error in found:
        *place, name = error["loc"] or ("",)
        beside = [str(one) for where, one in missing if where == tuple(place)]
        near = difflib.get_close_matches(str(name), beside, n=1)
        hint = f"; did you mean {near[0]}?" if error["type"] == "extra_forbidden" and near else ""
        problems.append(Problem(_name_field(error["loc"]), _explain(error) + hint))
    return problems


def _name_field(location: Sequence[int | str]) -> str:
    """Return the field's own name: `mem` of ("body", "mem"), `body` of ("body", 17).

    A name in parentheses is one of several forms of a body, and no field.
    """
    inner = [str(part) for part in location[1:] if isinstance(part, str) and part[:1] != "("]
    return ".".join(inner) or str(location[0] if location else "body")


def _explain(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not known here"
        case "json_invalid":
            return f"is not JSON ({error['ctx']['error']})"
        case "model_attributes_type" | "dict_type":
            return "is not a JSON object, sent with the header `Content-Type: application/json`"
    message = str(error["msg"])
    for beginning in ("Input ", "Value ", "String "):
        message = message.removeprefix(beginning)
    return message
