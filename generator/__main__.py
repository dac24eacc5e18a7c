"""`make generate` writes the files; with --check it only says which of them are stale."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from docs.generated.http_api import describe
from generator import calls, choices, records
from generator.description import Schema
from generator.text import form

FOLDER = Path(__file__).parents[1] / "cli" / "client" / "generated"


def make(described: Schema) -> Mapping[str, str]:
    """Return the text of each file, by its name. Blocks while ruff runs."""
    written = {
        "records.pyi": records.write(described),
        "calls.py": calls.write(described),
        "choices.py": choices.write(described),
    }
    return {name: form(name, text) for name, text in written.items()}


def find_stale(made: Mapping[str, str], folder: Path) -> list[Path]:
    """Return the files of a folder that are not as they were made now, or not there."""
    paths = {folder / name: text for name, text in made.items()}
    return [
        path
        for path, text in paths.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(args: Sequence[str], folder: Path = FOLDER) -> int:
    """Write what is stale, or only name it; return the exit status."""
    parser = argparse.ArgumentParser(prog="generator", description=__doc__)
    parser.add_argument("--check", action="store_true", help="Write nothing.")
    checks = parser.parse_args(args).check
    made = make(describe())
    stale = find_stale(made, folder)
    for path in stale:
        if checks:
            print(f"{path} is not what the API says of itself.", file=sys.stderr)
        else:
            path.write_text(made[path.name], encoding="utf-8")
            print(f"{path} is new.")
    if checks and stale:
        print("Run `make generate`, and commit what it writes.", file=sys.stderr)
    return 1 if checks and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
