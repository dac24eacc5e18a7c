"""The pages by which a visitor gets rid of more cookies than a preview takes. Pure.

HAProxy has them as files, for it alone reads such a request: they are the same for everybody.
"""

from pathlib import Path

import jinja2

from program import web

_FOLDER = Path(__file__).parent


def render_refused(domain: str) -> str:
    """Return the page that removes the cookies at the press of its button.

    It removes those of its own host and of those above it, as far as `domain`.
    """
    return _render("cookies.html.j2", domain)


def render_removed(domain: str) -> str:
    """Return the page that leads back to the one whose button was pressed."""
    return _render("cookies_removed.html.j2", domain)


def _render(template: str, domain: str) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        autoescape=True,
    )
    style = web.read("theme.css") + (_FOLDER / "room.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(
        domain=domain, style=style, visit={"nonce": ""}
    )
