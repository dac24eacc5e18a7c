"""`executor.pyz doctor`: what an agent's machine has of what executors need, and what it lacks.

Run on the agent, as the user and with the environment of its executors. Nothing of prevs need be
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
    """Look at this machine and tell; return 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="executor doctor", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="as `prevs doctor --json` tells it")
    parser.add_argument(
        "--framework",
        metavar="URL",
        type=_read_url,
        help="the API of a framework, which has to be within reach and has a clock to compare with",
    )
    chosen = parser.parse_args(arguments)
    found = judge(look(os.environ, chosen.framework))
    if chosen.json:
        print(json.dumps([one._asdict() for one in found], indent=2))
    else:
        print(render(found, sys.stdout.encoding or "ascii"))
    return 1 if any(one.level == WRONG for one in found) else 0


def _read_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError("it has to begin with http:// or https://")
    return text.rstrip("/")


def render(found: Sequence[Finding], encoding: str) -> str:
    """Return the findings as lines for people, of signs that the terminal knows."""
    wide = max(len(one.part) for one in found)
    lines = []
    for one in found:
        lines.append(f"{_MARKS[one.level]}  {one.part:{wide}}  {one.told}")
        if one.advice:
            lines.append(f"   {'':{wide}}  → {one.advice}")
    return "\n".join(lines).encode(encoding, "replace").decode(encoding)
