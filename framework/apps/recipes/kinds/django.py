"""Django: how it is served, and what is said of its database, hosts and static files."""

import re

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes.kinds.started import Started
from framework.apps.recipes.project import Project

_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE[\"']\s*,\s*[\"']([A-Za-z_][\w.]*)[\"']")
_DRIVERS = frozenset({"psycopg", "psycopg2", "psycopg2-binary", "mysqlclient", "pymysql"})
_COLLECT = (
    "python manage.py collectstatic --noinput || "
    "echo 'collectstatic failed: static files may be missing'"
)
_MIGRATE = 'release = ["python manage.py migrate --noinput"]'


def find(project: Project, asked: frozenset[str]) -> Started | None:
    """Return how a Django project is started, None if it is none."""
    text = project.text("manage.py")
    if "django" not in text.lower():
        return None
    match = _SETTINGS.search(text)
    settings = match[1] if match else ""
    package = _find_package(project, settings)
    keeps_file = _keeps_file(project, settings, asked)
    migrate = "python manage.py migrate --noinput && " if keeps_file else ""
    has_whitenoise = "whitenoise" in asked
    return Started(
        f"{migrate}exec {_find_server(project, package, asked)}",
        f"manage.py{f', {package}/wsgi.py' if package else ''} (Django)",
        packages=() if asked else ("django",),
        built=(lines.run(_COLLECT),) if has_whitenoise else (),
        notes=tuple(_tell(keeps_file)),
    )


def _find_package(project: Project, settings: str) -> str:
    """Return the folder with wsgi.py, which stands above or beside the settings; "" for none."""
    parts = settings.split(".")
    folders = ["/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
    return next((one for one in folders if project.has(f"{one}/wsgi.py")), "")


def _find_server(project: Project, package: str, asked: frozenset[str]) -> str:
    module = package.replace("/", ".")
    if package and "gunicorn" in asked:
        return f'gunicorn --bind "0.0.0.0:$PORT" {module}.wsgi:application'
    if package and asked & {"uvicorn", "daphne"} and project.has(f"{package}/asgi.py"):
        if "uvicorn" in asked:
            return f'uvicorn {module}.asgi:application --host 0.0.0.0 --port "$PORT"'
        return f'daphne --bind 0.0.0.0 --port "$PORT" {module}.asgi:application'
    return 'python manage.py runserver --noreload "0.0.0.0:$PORT"'


def _keeps_file(project: Project, settings: str, asked: frozenset[str]) -> bool:
    """Return whether the database is a file of the container's own."""
    module = settings.replace(".", "/")
    files = (f"{module}.py", f"{module}/__init__.py", f"{module.rpartition('/')[0]}/base.py")
    text = next((project.text(file) for file in files if project.has(file)), "")
    return "sqlite3" in text and not asked & _DRIVERS


def _tell(keeps_file: bool) -> list[str]:
    told = (
        "The database is SQLite in the container: each start begins with an empty one, which is "
        "migrated first."
        if keeps_file
        else f"Nothing migrates the database: write `{_MIGRATE}` below [hooks] in .prevs.toml."
    )
    return [
        told,
        "ALLOWED_HOSTS must allow the preview's host; with DEBUG it allows names below localhost.",
    ]
