"""A folder of pages, served as it is. Also how built pages are served."""

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes.images import BaseImages
from framework.apps.recipes.project import Project
from framework.apps.recipes.recipe import Recipe

LOOKED_FOR = ("index.html",)
_FOLDERS = ("public", "dist", "site", "www", "htdocs", "html", "docs", "src")
_CONFIG = "/etc/caddy/Caddyfile"
COMMAND = f"caddy run --config {_CONFIG}"


def find(project: Project, images: BaseImages) -> Recipe | str | None:
    """Return the recipe of a static site."""
    folder = _find_folder(project)
    if not folder:
        return None
    served = lines.copy_folder(folder, "/srv/") if folder != "." else "COPY . /srv/"
    return Recipe(
        kind="static",
        name="Static site",
        why=("index.html" if folder == "." else f"{folder}/index.html",),
        text=lines.write(*serve(images, served)),
        command=COMMAND,
    )


def serve(images: BaseImages, *copied: str, fallback: bool = False) -> list[str]:
    """Return the lines of the stage that serves /srv, where the lines `copied` put files.

    With a `fallback` the page /index.html answers each path that is no file: an application in the
    browser reads the path. Else 404.html does. Files whose names begin with a dot are not served,
    except .well-known.
    """
    return [
        f"FROM {images.choose('static').reference}",
        f"RUN mkdir -p /etc/caddy && printf '%s\\n' {_config(fallback)} > {_CONFIG}",
        *copied,
        f"USER {lines.USER}",
        "ENV HOME=/tmp XDG_CONFIG_HOME=/tmp XDG_DATA_HOME=/tmp PORT=8080",
        lines.NO_ENTRYPOINT,
        f'CMD ["caddy", "run", "--config", "{_CONFIG}"]',
    ]


def _config(fallback: bool) -> str:
    tried = "{path} {path}.html {path}/ /index.html" if fallback else "{path} {path}.html"
    served = "file_server { hide .[^w]* }"
    config = (
        "{ admin off }",
        ":{$PORT} { root * /srv",
        "encode gzip",
        f"try_files {tried}",
        served,
        f"handle_errors {{ rewrite * /404.html; {served} }}",
        "}",
    )
    return " ".join(f"'{line}'" for line in _unfold(config))


def _unfold(config: tuple[str, ...]) -> list[str]:
    """Return the lines of a Caddyfile: a brace opens at the end of one, and closes in its own."""
    text = "\n".join(config)
    for folded, unfolded in (("{ ", "{\n"), (" }", "\n}"), ("; ", "\n")):
        text = text.replace(folded, unfolded)
    return text.splitlines()


def _find_folder(project: Project) -> str:
    if project.has("index.html"):
        return "."
    return next((one for one in _FOLDERS if project.has(f"{one}/index.html")), "")
