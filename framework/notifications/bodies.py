"""What receivers get: an event as JSON, or as a message for a chat. Pure."""

import json
from collections.abc import Mapping

Fields = Mapping[str, object]
"""An event as the API shows it, and the address of its preview (`url`)."""

_LONGEST = 1000
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_UNSEEN = "\u200b"
"""A space without width."""


def write(form: str, event: Fields) -> bytes:
    """Return the body of a notification in a receiver's format."""
    return _encode({"text": _write_text(event)} if form == "slack" else event)


def _write_text(event: Fields) -> str:
    """Return the text of a message. Slack and Mattermost read it as markup of their own.

    The sentence may have names of branches and a build's last line, so it is foreign text.
    """
    text, url = _escape(str(event["sentence"])), str(event.get("url") or "")
    # What begins with / is a path of the API, which leads nowhere in a chat.
    return f"{text}: <{_escape(url)}>" if url and not url.startswith("/") else text


def _escape(text: str) -> str:
    """Return a text without links, and without mentions of people or of everybody."""
    # Slack's are all in <>. Mattermost has @all and [text](url), which a hidden space breaks up.
    plain = "".join(_ENTITIES.get(one, one) for one in text[:_LONGEST])
    return plain.replace("@", f"@{_UNSEEN}").replace("](", f"]{_UNSEEN}(")


def _encode(fields: Fields) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
