"""Recipes of the other kinds, and which kind comes first."""

import pytest

from framework.apps import recipes
from framework.apps.recipes import NotRecognised
from tests.fakes.trees import Tree
from tests.unit.framework.apps.recipes.repositories import Files, built_by, near, package, recipe

RAILS = {
    "Gemfile": "gem 'rails'\ngem \"pg\"\ngem 'propshaft'",
    "config/application.rb": "",
    "config/routes.rb": 'get "up" => "rails/health#show"',
}
CARGO = "[package]\nname = 'shop'\n"
SPRING = "<parent>spring-boot-starter-parent</parent> spring-boot-starter-actuator"


@pytest.mark.parametrize(
    ("files", "name", "command"),
    [
        ({"index.html": ""}, "Static site", "caddy run --config /etc/caddy/Caddyfile"),
        ({"public/index.html": ""}, "Static site", "caddy run --config /etc/caddy/Caddyfile"),
        ({"go.mod": "", "main.go": "package main"}, "Go", "exec /app/bin/app"),
        (
            {"go.mod": "", "a.go": "package shop", "cmd/shop/main.go": "package main"},
            "Go",
            "exec /app/bin/app",
        ),
        ({"go.mod": "", "Procfile": "web: bin/shop"}, "Go", "exec bin/shop"),
        (
            {"Gemfile": "gem 'puma'", "config.ru": ""},
            "Ruby",
            'exec bundle exec puma --bind "tcp://0.0.0.0:$PORT"',
        ),
        (
            {"Gemfile": "gem 'sinatra'", "config.ru": ""},
            "Ruby",
            'exec bundle exec rackup --host 0.0.0.0 --port "$PORT"',
        ),
        ({"index.php": ""}, "PHP", 'exec php -S "0.0.0.0:$PORT" -t .'),
        (
            {"composer.json": "{}", "public/index.php": ""},
            "PHP with Composer",
            'exec php -S "0.0.0.0:$PORT" -t public',
        ),
        (
            {"composer.json": "{}", "web/index.php": "", "Procfile": "web: heroku-php-apache2 web"},
            "PHP with Composer",
            'exec php -S "0.0.0.0:$PORT" -t web',
        ),
        ({"pom.xml": "<project/>"}, "Java with Maven", "exec java -jar /app/app.jar"),
        (
            {"pom.xml": SPRING},
            "Java with Maven",
            'export SERVER_PORT="$PORT"; exec java -jar /app/app.jar',
        ),
        (
            {"pom.xml": SPRING, "Procfile": "web: java -jar target/*.jar"},
            "Java with Maven",
            "exec java -jar target/*.jar",
        ),
        ({"build.gradle": "id 'application'"}, "Java with Gradle", "exec sh /app/bin/run"),
        ({"Cargo.toml": CARGO, "src/main.rs": ""}, "Rust", "exec /app/target/release/shop"),
        (
            {"Cargo.toml": f"{CARGO}[[bin]]\nname = 'web'", "src/web.rs": ""},
            "Rust",
            "exec /app/target/release/web",
        ),
        ({"deno.json": '{"tasks": {"start": "x"}}'}, "Deno", "exec deno task start"),
    ],
)
def test_each_kind_is_recognised(files: Files, name: str, command: str) -> None:
    found = recipe(files)
    assert (found.name, found.command) == (name, command)
    assert all(why.partition(" ")[0].rstrip(",") in files for why in found.why), found.why


@pytest.mark.parametrize(
    ("files", "port"),
    [
        ({"go.mod": "", "main.go": 'package main\nhttp.ListenAndServe(":9000", nil)'}, 9000),
        ({"go.mod": "", "main.go": 'package main\nos.Getenv("PORT") + ListenAndServe(":1")'}, None),
        ({"Cargo.toml": CARGO, "src/main.rs": 'bind("127.0.0.1:3000")'}, 3000),
        ({"deno.json": "{}", "main.ts": "Deno.serve(answer)"}, 8000),
        ({"deno.json": "{}", "main.ts": "export default { fetch }"}, None),
        ({"requirements.txt": "", "main.py": "HTTPServer(('', 9000), H).serve_forever()"}, 9000),
    ],
)
def test_a_port_that_stands_in_the_program_is_found(files: Files, port: int | None) -> None:
    assert recipe(files).port == port


def test_rails_runs_in_production_and_says_what_it_needs() -> None:
    found = recipe({**RAILS, "config/credentials.yml.enc": ""})
    assert found.health == "/up"
    assert "assets:precompile" in found.text
    assert found.command.endswith('rails server --binding 0.0.0.0 --port "$PORT"')
    assert "db:prepare" not in found.command
    told = " ".join(found.notes)
    assert all(word in told for word in ("db:prepare", "RAILS_MASTER_KEY", "force_ssl"))


def test_rails_with_sqlite_prepares_its_database_at_each_start() -> None:
    files = {**RAILS, "Gemfile": "gem 'rails'\ngem 'sqlite3'", "config/database.yml": "sqlite3"}
    assert "rails db:prepare && exec" in recipe(files).command


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({**RAILS, "Gemfile": "ruby '3.3.1'\ngem 'rails'"}, "ruby:3.3.1-bookworm"),
        ({**RAILS, "Gemfile": "ruby '~> 3.2.0'\ngem 'rails'"}, "ruby:3.2-bookworm"),
        ({**RAILS, ".ruby-version": "ruby-3.1.4\n"}, "ruby:3.1.4-bookworm"),
        ({"composer.json": package(require={"php": "^7.4"}), "index.php": ""}, "php:7.4-cli"),
        ({"composer.json": package(require={"php": "^8.1 || ^7.4"}), "index.php": ""}, "php:8.4"),
        ({"pom.xml": "<java.version>25</java.version>"}, "maven:3.9-eclipse-temurin-25"),
        ({"pom.xml": "<java.version>1.8</java.version>"}, "maven:3.9-eclipse-temurin-21"),
        ({"build.gradle": "JavaLanguageVersion.of(25)"}, "gradle:8.14-jdk25"),
    ],
)
def test_the_base_image_is_of_the_version_that_is_asked_for(files: Files, image: str) -> None:
    assert f"FROM {image}" in recipe(files).text


def test_gradle_is_the_repositorys_own_where_it_names_one() -> None:
    wrapper = {"gradlew": "", "gradle/wrapper/gradle-wrapper.properties": ""}
    text = recipe({"build.gradle.kts": "org.springframework.boot", **wrapper}).text
    assert "FROM eclipse-temurin:21-jdk AS build\n" in text
    assert "sh gradlew --no-daemon bootJar" in text


def test_a_package_json_beside_another_language_does_not_decide() -> None:
    pages = {"package.json": built_by("vite", "vite build")}
    assert recipe({**pages, **RAILS}).kind == "ruby"
    assert recipe({**pages, "index.php": ""}).kind == "php"
    assert recipe({**pages, "go.mod": "", "main.go": "package main"}).kind == "go"
    assert recipe({**pages, "index.html": ""}).kind == "node"


def test_the_other_lines_of_a_procfile_are_told() -> None:
    files = {"go.mod": "", "Procfile": "web: bin/a\nrelease: bin/b\nworker: bin/c"}
    assert "release and worker do not run" in " ".join(recipe(files).notes)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"go.mod": "", "a.go": "package shop"}, "go.mod is there, and neither its folder nor"),
        ({"Gemfile": "gem 'rake'"}, "Gemfile is there, and nothing says what to run"),
        ({"config.ru": ""}, "config.ru is there, and no Gemfile"),
        ({"composer.json": "{}"}, "composer.json is there, and no index.php"),
        ({"Cargo.toml": "[workspace]"}, "Cargo.toml is there, and has no [package]"),
        ({"Cargo.toml": CARGO, "src/lib.rs": ""}, "its package has no program"),
        ({"deno.json": "{}"}, "deno.json is there, and has no task start"),
        ({"Procfile": "web: run"}, "Procfile has a web line, and no file says"),
        ({"web/package.json": "{}"}, "web/package.json is there: --folder web would use it"),
    ],
)
def test_what_nearly_fits_is_told(files: Files, says: str) -> None:
    assert says in near(files)


def test_what_nothing_recognises_names_what_was_looked_for() -> None:
    found = recipes.recognise(Tree({"README.md": ""}))
    assert isinstance(found, NotRecognised)
    assert {"package.json", "go.mod", "manage.py", "Procfile", "index.html"} <= {*found.looked_for}
    assert not found.near
