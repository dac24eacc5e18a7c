"""Adds a fifth kind of forge to this process by its one file, and prints what follows from it."""

import hmac
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from click.testing import CliRunner

from framework.forges import kinds

kinds.__path__.append(str(Path(__file__).parent / "more_kinds"))

from cli.commands.forges import set_forge  # noqa: E402 # after the kind is added
from docs.generated import forges as forge_page  # noqa: E402
from docs.generated import http_api  # noqa: E402
from framework.apps import app_secrets  # noqa: E402
from framework.forges import registry  # noqa: E402
from prevs.hooks import is_passed_on  # noqa: E402
from prevs.records import AppRecord  # noqa: E402
from tests.fakes.asgi import OF_PROXIES, ApiInProcess  # noqa: E402
from tests.fakes.dashboard import Dashboard  # noqa: E402

SECRET = "a-secret-that-the-forge-has-made"  # of a test
BODY = b"{}"


def main() -> None:
    """Print it, as JSON."""
    schemas = http_api.describe()["components"]["schemas"]
    app = AppRecord("hello", "https://fifth.example.org/group/hello.git")
    found = {
        "choices": [
            schemas["AppSettings"]["properties"]["forge"]["enum"],
            schemas["AppChanges"]["properties"]["forge"]["enum"],
            schemas["App"]["properties"]["forge_kind"]["enum"],
        ],
        "kind by host": registry.find_kind(app),
        "page": _read_page(),
        "ordered": _order(),
        "delivery": _deliver(),
        "docs": forge_page.page(),
    }
    # After what the parts log.
    print("\n" + json.dumps(found))  # what it is for


def _read_page() -> str:
    dashboard = Dashboard()
    dashboard.previews.known_apps["hello"] = AppRecord("hello", "/srv/x", forge="fifth")
    text: str = dashboard.sign_in().get("/apps/hello/forge").text
    return text


def _order() -> list[Any]:
    """Return what the command line asks of the API, and what the API answers."""
    asked: list[dict[str, object]] = []
    context = SimpleNamespace(
        api=SimpleNamespace(change_app=lambda _, changes: asked.append(changes))
    )
    done = CliRunner().invoke(set_forge, ["hello", "--kind", "fifth"], obj=context)
    api = ApiInProcess()
    api.previews.known_apps["hello"] = AppRecord("hello", "/srv/x")
    answer = api.call("PATCH", "/v1/apps/hello", json=asked[0]).json()
    return [done.exit_code, *asked, answer["forge"]]


def _deliver() -> list[Any]:
    """Return what becomes of a webhook of which a proxy has passed on what it passes on."""
    api = ApiInProcess()
    api.previews.known_apps["hello"] = AppRecord("hello", "/srv/x")
    api.previews.given["hello"] = app_secrets.with_hook_secret(
        app_secrets.AppSecrets("hello"), SECRET
    )
    digest = hmac.digest(SECRET.encode(), BODY, "sha256").hex()
    sent = {"x-fifth-signature": digest, "x-fifth-delivery": "1", "x-fifth-event": "push"}
    headers = {name: value for name, value in sent.items() if is_passed_on(name)}
    answer = api.send(
        "POST",
        "/v1/apps/hello/hooks",
        content=BODY,
        headers={**headers, "authorization": f"Bearer {OF_PROXIES}"},
    )
    count = api.registry.get_sample_value(
        "prevs_hooks_total", {"forge": "fifth", "result": "accepted"}
    )
    return [answer.status_code, count]


if __name__ == "__main__":
    main()
