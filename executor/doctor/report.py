"""`executor.pyz doctor`: checks whether an agent's machine has what executors need.

Run it on the agent, as the user and with the environment of its executors. prevs need not be
installed there, and no framework has to be within reach.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from executor.doctor.machine import look
from executor.limits.machine_checks import OK, SKIPPED, WARNING, WRONG, Finding, judge

_MARKS = {OK: "✓", WARNING: "!", WRONG: "✗", SKIPPED: "-"}


def main(arguments: Sequence[str]) -> int:
    """Check this machine and print the findings; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="executor doctor", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="as JSON, like `prevs doctor --json`")
    parser.add_argument(
        "--framework",
        metavar="URL",
        type=_read_url,
        help="the API of a framework: checks that it is within reach, and compares its clock",
    )
    chosen = parser.parse_args(arguments)
    found = judge(look(os.environ, chosen.framework))
    if chosen.json:
        print(json.dumps([_encode(one) for one in found], indent=2))
    else:
        print(render(found, sys.stdout.encoding or "ascii"))
    return 1 if any(one.level == WRONG for one in found) else 0


def _encode(finding: Finding) -> dict[str, str]:
    """Return a finding for JSON, with the keys of `prevs doctor --json`."""
    return {
        "part": finding.part,
        "level": finding.level,
        "message": finding.message,
        "advice": finding.advice,
    }


def _read_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError("it must begin with http:// or https://")
    return text.rstrip("/")


def render(found: Sequence[Finding], encoding: str) -> str:
    """Return the findings as lines for people, in the terminal's encoding."""
    wide = max(len(one.part) for one in found)
    lines = []
    for one in found:
        lines.append(f"{_MARKS[one.level]}  {one.part:{wide}}  {one.message}")
        if one.advice:
            lines.append(f"   {'':{wide}}  → {one.advice}")
    return "\n".join(lines).encode(encoding, "replace").decode(encoding)
