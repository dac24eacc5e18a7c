"""Gives each order of schemathesis a key of its own, for a framework that keeps them.

Loaded by its command line, as SCHEMATHESIS_HOOKS says.
"""

import itertools
import re
from typing import Any

import schemathesis

import tests.fakes.texts  # noqa: F401 (the formats are needed too)

_NAME = "Idempotency-Key"
_VALID = re.compile(r'"[ !#-~]{1,255}"|[A-Za-z0-9_.:/+=-]{1,255}', re.ASCII)
_numbers = itertools.count(1)


@schemathesis.hook
def before_call(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], _options: dict[str, Any]
) -> None:
    """Replace a valid key; two orders with the same one are refused, and rightly."""
    if case.headers and _VALID.fullmatch(str(case.headers.get(_NAME, ""))):
        case.headers[_NAME] = f'"order {next(_numbers)}"'
