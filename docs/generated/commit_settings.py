"""The reference of .prevs.toml, from the tables that read it."""

import inspect
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from docs.generated.tables import amount, code, table
from framework.apps.compose.file_text import MOST_BYTES
from framework.apps.manifest.keys import list_tables
from framework.apps.manifest.values import Table
from prevs.commit_settings import FILE

EXAMPLE = """\
port = 8000
command = ["gunicorn", "shop:app"]
volumes = ["/data"]

[environment]
DATABASE = "/data/shop.sqlite"

[health]
path = "/healthz"
status = [200, 204]
timeout = 5
grace = 120

[resources]
cpus = 0.5
mem = 512

[build]
dockerfile = "docker/Dockerfile"
target = "web"
args = { NODE_ENV = "production" }

[hooks]
prepare = ["python manage.py migrate", ["python", "seed.py"]]

[companions.db]
image = "postgres:17"
environment = { POSTGRES_PASSWORD = "x" }
volumes = ["/var/lib/postgresql/data"]
ready = ["pg_isready", "-U", "postgres"]

[jobs.report]
command = ["python", "report.py"]
timeout = 900
retries = 3
schedule = "0 6 * * mon-fri"
zone = "Europe/Berlin"
"""
_INTRODUCTION = f"""\
---
search:
  boost: 2
---
# The settings of a commit: {FILE}

This page is generated from the code that reads the file, so it matches this version.

A repository may have a file `{FILE}` beside its Dockerfile: at its root, or in the app's
[`folder`](settings.md#an-app). The framework reads it at the commit, before it places the preview:
each branch may have its own. The app's settings fill in the rest. All keys are optional, except
the `command` of a job. Keys keep what they mean ([What is stable](stable.md)).

```toml
{EXAMPLE}```

[TOML 1.0](https://toml.io/en/v1.0.0), UTF-8, at most {amount(MOST_BYTES)} bytes. A preview whose
file has a mistake does not start, even if the mistake is in a job: its page, `prevs show` and the
API report every mistake with its line, and suggest a known key for an unknown one. Fix the file and
push. If only a bound of the app was too low, raise the bound and retry.
"""
_HEAD = ("key", "is", "takes")
_KINDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "`true` or `false`",
    "array": "list",
    "object": "table of names and texts",
}


def page() -> str:
    """Return the page in Markdown."""
    tables = list_tables()
    homes = {header: header.partition(".")[0] for header in tables}
    lines = [_INTRODUCTION]
    for header, home in homes.items():
        lines += _says(header, home, tables[header]) if header else ["## At the top"]
        lines += table(_HEAD, _rows(home, tables[header], homes.values()))
    return "\n".join(lines)


def _says(header: str, home: str, of: type[Table]) -> list[str]:
    return [f"## {code(f'[{header}]')} {{ #{home} }}", "", inspect.getdoc(of) or ""]


def _rows(home: str, of: type[Table], without: Collection[str]) -> Iterable[list[str]]:
    described = of.model_json_schema()["properties"]
    for name, field in of.model_fields.items():
        if name not in without:
            examples = ", ".join(code(f"{name} = {one}") for one in field.examples or ())
            key = f"{code(name)}{{ #{'-'.join(filter(None, (home, name)))} }}"
            yield [key, f"{field.description} {examples}", _takes(described[name])]


def _takes(schema: Mapping[str, Any]) -> str:
    """Return in words what a value may be."""
    for inner in schema.get("anyOf", (schema,)):
        if inner["type"] == "null":
            continue
        kind = _KINDS[inner["type"]]
        least, greatest = inner.get("minimum"), inner.get("maximum")
        longest = inner.get("maxItems") or inner.get("maxProperties") or inner.get("maxLength")
        unit = "characters" if inner["type"] == "string" else "entries"
        if greatest is not None:
            return f"{kind}, {amount(least)} to {amount(greatest)}"
        if least is not None:
            return f"{kind}, at least {amount(least)}"
        return f"{kind}, at most {longest} {unit}" if longest else kind
    raise ValueError(schema)
