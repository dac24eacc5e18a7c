"""Ruby: Rails, or an application of Rack."""

import re

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes import listening
from framework.apps.recipes.images import BaseImages, choose_version
from framework.apps.recipes.kinds.started import Started
from framework.apps.recipes.project import Project
from framework.apps.recipes.recipe import Recipe

LOOKED_FOR = ("Gemfile", "config.ru")
_GEM = re.compile(r"^\s*gem\s*\(?\s*[\"']([\w.-]+)[\"']", re.MULTILINE)
_VERSION = re.compile(r"^\s*ruby\s*\(?\s*[\"']([^\"'\n]{1,40})[\"']", re.MULTILINE)
_EXACT = re.compile(r"\d+\.\d+\.\d+")
_VERSIONS = ("3.1", "3.2", "3.3", "3.4")
_LOCAL = re.compile(
    r"\bpath:|:path\s*=>|\bgemspec\b|\beval_gemfile\b|__dir__|require_relative|File\."
)
_INITIALIZER = "config/initializers/zz_prevs.rb"
_PLAIN_HTTP = (
    "printf '%s\\n' 'if ENV[\"PREVS_URL\"].to_s.start_with?(\"http:\")' "
    "'  Rails.application.config.force_ssl = false' "
    "'  Rails.application.config.assume_ssl = false' 'end' "
    f"> {_INITIALIZER}"
)
_KEY_OF_A_START = (
    "SECRET_KEY_BASE=${SECRET_KEY_BASE:-$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n')}"
)
_BUILDS = "SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE=build bundle exec rails assets:precompile"
_ASSETS = ("sprockets-rails", "propshaft", "cssbundling-rails", "jsbundling-rails", "sassc-rails")


def find(project: Project, images: BaseImages) -> Recipe | str | None:
    """Return the recipe of a Ruby application, or why it nearly has one."""
    if not project.has("Gemfile"):
        if project.has("config.ru"):
            return "config.ru is there, and no Gemfile names its packages"
        return None
    started = _find_started(project)
    if started is None:
        return (
            "Gemfile is there, and nothing says what to run: no web line in a Procfile, no "
            "config.ru, no Rails"
        )
    base = images.choose("ruby", _find_version(project))
    return Recipe(
        kind="ruby",
        name="Ruby with Rails" if _is_rails(project) else "Ruby",
        why=tuple(dict.fromkeys((started.by, "Gemfile", *project.those(("Gemfile.lock",))))),
        text=lines.write(
            *lines.begin(
                base.reference, as_root=[f"RUN mkdir /bundle && chown {lines.USER} /bundle"]
            ),
            "ENV GEM_HOME=/bundle BUNDLE_APP_CONFIG=/bundle BUNDLE_WITHOUT=development:test",
            "ENV PATH=/bundle/bin:$PATH",
            "ENV RACK_ENV=production RAILS_ENV=production RAILS_LOG_TO_STDOUT=1 "
            "RAILS_SERVE_STATIC_FILES=1",
            *_install(project),
            *started.built,
            lines.command(started.line),
        ),
        command=started.line,
        port=started.port,
        health=started.health,
        notes=(
            *started.notes,
            *((base.note,) if base.note else ()),
            *listening.told_port(started.port, started.by),
        ),
    )


def _install(project: Project) -> list[str]:
    copied = ("Gemfile", *project.those(("Gemfile.lock", ".ruby-version", ".tool-versions")))
    install = lines.run(
        "BUNDLE_GLOBAL_GEM_CACHE=true BUNDLE_USER_CACHE=/cache/bundle bundle install", "bundle"
    )
    if _LOCAL.search(project.text("Gemfile")):
        return [lines.COPY_ALL, install]
    return [lines.copy(copied), install, lines.COPY_ALL]


def _find_started(project: Project) -> Started | None:
    rails = _is_rails(project)
    line = listening.find_web(project)
    if not rails:
        line, by = (line, "Procfile") if line else _rack_line(project)
        return Started(line, by, port=listening.port_of_command(line)) if line else None
    gems = _gems(project)
    migrate = "bundle exec rails db:prepare && " if _keeps_file(project, gems) else ""
    run = line or 'exec bundle exec rails server --binding 0.0.0.0 --port "$PORT"'
    built = [lines.run(_PLAIN_HTTP)]
    if gems & set(_ASSETS):
        built.append(lines.run(_BUILDS))
    health = "/up" if "rails/health#show" in project.text("config/routes.rb") else None
    return Started(
        f"export {_KEY_OF_A_START}; {migrate}{run}",
        "Procfile" if line else "config/application.rb (Rails)",
        port=listening.port_of_command(line),
        health=health,
        built=tuple(built),
        notes=(*_tell_database(bool(migrate)), *_tell_rails(project)),
    )


def _rack_line(project: Project) -> tuple[str, str]:
    if not project.has("config.ru"):
        return "", ""
    gems = _gems(project)
    if "puma" in gems:
        return 'exec bundle exec puma --bind "tcp://0.0.0.0:$PORT"', "config.ru"
    return 'exec bundle exec rackup --host 0.0.0.0 --port "$PORT"', "config.ru"


def _is_rails(project: Project) -> bool:
    return "rails" in _gems(project) and project.has("config/application.rb")


def _gems(project: Project) -> frozenset[str]:
    return frozenset(_GEM.findall(project.text("Gemfile")))


def _keeps_file(project: Project, gems: frozenset[str]) -> bool:
    """Return whether the database is a file of the container's own."""
    return "sqlite3" in gems and "sqlite3" in project.text("config/database.yml").lower()


def _tell_database(keeps_file: bool) -> tuple[str, ...]:
    if keeps_file:
        return (
            "The database is SQLite in the container: each start begins with an empty one, which "
            "is prepared first.",
        )
    return (
        'Nothing migrates the database: write `release = ["bin/rails db:prepare"]` below '
        "[hooks] in .prevs.toml, and give the app DATABASE_URL.",
    )


def _tell_rails(project: Project) -> tuple[str, ...]:
    told = [
        f"It runs in production; where the preview's address has no TLS, {_INITIALIZER} switches "
        "force_ssl off.",
        "Without SECRET_KEY_BASE each start makes one, and sessions end with it.",
    ]
    if project.has("config/credentials.yml.enc"):
        told.append("Credentials need RAILS_MASTER_KEY: give it to the app as a secret.")
    return tuple(told)


def _find_version(project: Project) -> str:
    """Return the version of Ruby that a repository asks for, "" for the usual one."""
    match = _VERSION.search(project.text("Gemfile"))
    named = match[1] if match else project.text(".ruby-version").strip().removeprefix("ruby-")
    exact = _EXACT.fullmatch(named.strip())
    if exact or not re.search(r"\d", named):
        return exact[0] if exact else ""
    return choose_version(named[:40], _VERSIONS, "3.4")
