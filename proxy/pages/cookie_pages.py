"""The pages by which a visitor removes cookies that are too large for a preview. Pure.

HAProxy serves them from files, as only HAProxy can read such a request. All visitors get the same.
"""

from pathlib import Path

import jinja2

from program import web

_FOLDER = Path(__file__).parent


def render_refused(domain: str) -> str:
    """Return the page whose button removes the cookies.

    It removes those of its own host and of its parent domains, up to `domain`.
    """
    return _render("cookies.html.j2", domain)


def render_removed(domain: str) -> str:
    """Return the page behind that button, which leads back."""
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
