"""PHP: with Composer, or plain pages."""

import re

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes import listening
from framework.apps.recipes.images import BaseImages, choose_version
from framework.apps.recipes.project import Project, is_plain, string, table
from framework.apps.recipes.recipe import Recipe

LOOKED_FOR = ("composer.json", "index.php", "public/index.php")
_VERSIONS = ("7.4", "8.0", "8.1", "8.2", "8.3", "8.4")
_FOLDERS = ("public", "web", "htdocs", "html", "www")
_BUILT_IN = frozenset(
    {
        *("ctype", "curl", "date", "dom", "fileinfo", "filter", "hash", "iconv", "json", "libxml"),
        *("mbstring", "openssl", "pcre", "pdo", "pdo_sqlite", "phar", "posix", "readline"),
        *("session", "simplexml", "sodium", "spl", "sqlite3", "tokenizer", "xml", "xmlreader"),
        *("xmlwriter", "zlib"),
    }
)
"""What the official image of PHP has."""
_OF_HEROKU = re.compile(r"heroku-php-\w+")


def find(project: Project, images: BaseImages) -> Recipe | str | None:
    """Return the recipe of an application in PHP, or why it nearly has one."""
    has_composer = project.has("composer.json")
    folder = _find_folder(project)
    line = listening.find_web(project)
    if not has_composer and not folder:
        return None
    if not folder and not line:
        return "composer.json is there, and no index.php, neither beside it nor in public/"
    if not line or _OF_HEROKU.search(line):
        line = f'exec php -S "0.0.0.0:$PORT" -t {folder or "."}'
    composer = project.json("composer.json") or {}
    base = images.choose("php", _find_version(composer))
    port = listening.port_of_command(line)
    return Recipe(
        kind="php",
        name="PHP with Composer" if has_composer else "PHP",
        why=(*project.those(LOOKED_FOR[:1]), *_name_page(folder), *project.those(("Procfile",))),
        text=lines.write(
            *(_install(project, images) if has_composer else []),
            *lines.begin(base.reference),
            "ENV PHP_CLI_SERVER_WORKERS=4",
            lines.copy_built("/app/", "/app/") if has_composer else lines.COPY_ALL,
            lines.command(line),
        ),
        command=line,
        port=port,
        notes=(
            *_tell(composer, base.reference),
            *((base.note,) if base.note else ()),
            *listening.told_port(port, "The Procfile's web line"),
        ),
    )


def _install(project: Project, images: BaseImages) -> list[str]:
    install = (
        "composer install --no-dev --no-interaction --no-scripts --no-autoloader "
        "--ignore-platform-reqs"
    )
    copied = ["composer.json", *project.those(("composer.lock", "symfony.lock"))]
    finish = "composer dump-autoload --no-dev --no-scripts --optimize --ignore-platform-reqs"
    begun = [
        *lines.begin(images.choose("composer").reference, stage="build"),
        "ENV COMPOSER_HOME=/tmp COMPOSER_CACHE_DIR=/cache/composer",
    ]
    if _has_local(project):
        return [*begun, lines.COPY_ALL, lines.run(install, "composer"), lines.run(finish)]
    return [
        *begun,
        lines.copy(copied),
        lines.run(install, "composer"),
        lines.COPY_ALL,
        lines.run(finish),
    ]


def _has_local(project: Project) -> bool:
    """Return whether packages come from folders of the repository."""
    sources = (project.json("composer.json") or {}).get("repositories")
    listed = sources.values() if isinstance(sources, dict) else sources
    return any(table(one).get("type") == "path" for one in listed or () if isinstance(one, dict))


def _find_folder(project: Project) -> str:
    """Return the folder whose index.php answers, "" if there is none."""
    found = next((one for one in _FOLDERS if project.has(f"{one}/index.php")), "")
    return found or ("." if project.has("index.php") else "")


def _name_page(folder: str) -> tuple[str, ...]:
    if not folder:
        return ()
    return ("index.php" if folder == "." else f"{folder}/index.php",)


def _tell(composer: object, image: str) -> list[str]:
    required = table(composer, "require")
    names = [name.removeprefix("ext-").lower() for name in required if name.startswith("ext-")]
    missing = sorted(one for one in names if one not in _BUILT_IN and is_plain(one))[:8]
    told = ["PHP's own server runs it, with four workers."]
    if missing:
        told.append(
            f"{image} may lack {', '.join(missing)}: if so, keep the recipe as a Dockerfile and "
            "add them with docker-php-ext-install."
        )
    if "laravel/framework" in required:
        told.append("Laravel needs APP_KEY: give it to the app as a secret.")
    return told


def _find_version(composer: object) -> str:
    wanted = string(table(composer, "require").get("php"))
    return choose_version(wanted[:100], _VERSIONS, "8.4") if wanted else ""
