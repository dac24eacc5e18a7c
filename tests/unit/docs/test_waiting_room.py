"""docs/waiting-room.md explains each sentence of the waiting room."""

import re
from pathlib import Path

from proxy.pages.wording import SENTENCES

PAGE = (Path(__file__).parents[3] / "docs" / "waiting-room.md").read_text()


def test_every_sentence_of_the_waiting_room_is_explained() -> None:
    explained = re.findall(r"^\| ([A-Z].*?\.) \|", PAGE, re.M)
    assert sorted(explained) == sorted(set(SENTENCES.values()))
