import pytest

from framework.apps.room_detail import find_room, find_shown
from prevs.records import AppRecord


@pytest.mark.parametrize(
    ("repository", "has_credential", "shown"),
    [
        ("https://git.example.org/shop.git", False, "full"),
        ("https://git.example.org/shop.git", True, "status"),
        ("git://git.example.org/shop.git", False, "full"),
        ("/srv/shop", False, "full"),
        ("ssh://git@git.example.org/shop.git", False, "status"),
        ("git+ssh://git@git.example.org/shop.git", False, "status"),
        ("git@git.example.org:shop.git", False, "status"),
    ],
)
def test_an_app_without_the_setting_has_a_default_by_its_credential(
    repository: str, has_credential: bool, shown: str
) -> None:
    app = AppRecord("shop", repository)
    assert find_room(app) == "auto"
    assert find_shown(app, has_credential=has_credential) == shown


@pytest.mark.parametrize(
    ("room", "shown"), [("full", "full"), ("status", "status"), ("of-later", "status")]
)
def test_the_setting_of_an_app_overrides_the_default(room: str, shown: str) -> None:
    app = AppRecord("shop", "https://git.example.org/shop.git", room=room)
    assert find_room(app) == shown
    assert find_shown(app, has_credential=True) == shown
