from pathlib import Path

from rich.console import Console

from local.console.tables import addresses, parts_table
from local.settings import Settings, prepare


def test_the_usual_port_is_not_part_of_an_address() -> None:
    assert "http://<label>.<app>.localhost/\n" in addresses(Settings(Path("/x"), "id", port=80), "")
    assert ".localhost:8080/\n" in addresses(Settings(Path("/x"), "id"), "")


def test_the_dashboard_is_at_the_address_of_the_api() -> None:
    settings = Settings(Path("/x"), "id", frameworks=2, api_port=9000)
    assert "Dashboard  http://127.0.0.1:9000/ " in addresses(settings, "secret")


def test_the_output_shows_how_to_sign_in_to_mesos_without_the_password(tmp_path: Path) -> None:
    settings = prepare(tmp_path, {})
    text = addresses(settings, "token")
    user, secret = settings.mesos_access.credential()
    assert f"user {user}, password in {settings.mesos_access.secret_file(user)}" in text
    assert secret not in text


def test_a_part_is_shown_with_what_was_wrong_with_it() -> None:
    part = {
        "name": "proxy",
        "state": "waiting",
        "address": "http://127.0.0.1:8080",
        "pid": None,
        "changed": None,
        "restarts": 3,
        "problem": "exited with status 1",
    }
    console = Console(width=120, color_system=None)
    with console.capture() as printed:
        console.print(parts_table({"parts": [part]}))
    line = printed.get().splitlines()[1]
    for text in ("proxy", "waiting", "http://127.0.0.1:8080", "3", "exited with status 1"):
        assert text in line
