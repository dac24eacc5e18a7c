"""Recipes for Python: who installs the packages, and what serves the application."""

import pytest

from tests.unit.framework.apps.recipes.repositories import Files, near, recipe

FLASK = {"app.py": "from flask import Flask\napp = Flask(__name__)\n"}
MANAGE = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")  # django'
DJANGO = {"manage.py": MANAGE, "shop/wsgi.py": "", "shop/settings.py": "ENGINE = 'postgresql'"}
PROJECT = "[project]\ndependencies = ['flask', 'gunicorn>=20']\n"


@pytest.mark.parametrize(
    ("files", "name", "install"),
    [
        ({"requirements.txt": "flask"}, "pip", "pip install -r requirements.txt"),
        ({"requirements/base.txt": "flask"}, "pip", "pip install -r requirements/base.txt"),
        ({"pyproject.toml": PROJECT}, "pip", "pip install -r /tmp/requirements.txt"),
        ({"pyproject.toml": PROJECT, "uv.lock": ""}, "uv", "uv sync --frozen --no-dev"),
        ({"pyproject.toml": "[tool.poetry.dependencies]\nflask = '3'"}, "poetry", "--only main"),
        ({"Pipfile": "[packages]\nflask = '*'"}, "pipenv", "pipenv install --skip-lock"),
        ({"Pipfile": "", "Pipfile.lock": "{}"}, "pipenv", "pipenv sync"),
        ({"setup.py": "setup()"}, "pip", "pip install ."),
    ],
)
def test_the_files_of_packages_say_who_installs(files: Files, name: str, install: str) -> None:
    found = recipe({**files, **FLASK})
    assert found.name == f"Python with {name}"
    assert install in found.text


def test_lists_that_a_list_names_are_copied_where_they_are() -> None:
    files = {
        "requirements.txt": "-r requirements/base.txt\n-c limits.txt\n",
        "requirements/base.txt": "Flask==3\n-r extra.txt\n-r ../requirements.txt",
        "requirements/extra.txt": "GUNICORN",
        "limits.txt": "",
        **FLASK,
    }
    found = recipe(files)
    assert "requirements/base.txt requirements/extra.txt ./requirements/\n" in found.text
    assert "COPY --chown=1000:1000 requirements.txt limits.txt ./\n" in found.text
    assert "gunicorn" in found.command


@pytest.mark.parametrize("line", ["-e .", "./libs/a", ".", "libs/a.whl"])
def test_packages_of_the_repository_are_installed_once_it_is_there(line: str) -> None:
    text = recipe({"requirements.txt": line, **FLASK}).text
    assert text.index("COPY --chown=1000:1000 . .") < text.index("pip install -r")


@pytest.mark.parametrize(
    ("files", "command"),
    [
        (FLASK, 'exec flask --app app:app run --host 0.0.0.0 --port "$PORT"'),
        (
            {"requirements.txt": "flask\ngunicorn", **FLASK},
            'exec gunicorn --bind "0.0.0.0:$PORT" app:app',
        ),
        (
            {"shop/__init__.py": "def create_app():\n"},
            "exec flask --app 'shop:create_app()' run --host 0.0.0.0 --port \"$PORT\"",
        ),
        (
            {"src/shop/__init__.py": "", "src/shop/main.py": "api = fastapi.FastAPI(title='x')"},
            'PYTHONPATH=src exec uvicorn shop.main:api --host 0.0.0.0 --port "$PORT"',
        ),
        (
            {"app/main.py": "app: FastAPI = FastAPI()"},
            'exec uvicorn app.main:app --host 0.0.0.0 --port "$PORT"',
        ),
        ({**FLASK, "Procfile": "web: gunicorn x:y"}, "exec gunicorn x:y"),
        (DJANGO, 'exec python manage.py runserver --noreload "0.0.0.0:$PORT"'),
        (
            {**DJANGO, "requirements.txt": "Django\ngunicorn"},
            'exec gunicorn --bind "0.0.0.0:$PORT" shop.wsgi:application',
        ),
        ({"server.py": "if __name__ == '__main__': serve(8000)"}, "exec python server.py"),
    ],
)
def test_the_application_is_found_and_served(files: Files, command: str) -> None:
    found = recipe({"requirements.txt": "flask\nstreamlit", **files})
    assert found.command == command


def test_the_server_that_an_application_needs_is_installed_too() -> None:
    api = {"main.py": "app = FastAPI()", "requirements.txt": "fastapi"}
    assert "pip install uvicorn\n" in recipe(api).text
    assert "pip install uvicorn\n" not in recipe({**api, "requirements.txt": "uvicorn"}).text


@pytest.mark.parametrize(
    ("text", "health"),
    [
        ("app = FastAPI()\n@app.get('/items')", "/openapi.json"),
        ("app = FastAPI()\n@app.get('/')", None),
        ("app = FastAPI(openapi_url=None)", None),
    ],
)
def test_an_api_without_a_first_page_is_asked_for_its_description(
    text: str, health: str | None
) -> None:
    assert recipe({"requirements.txt": "", "main.py": text}).health == health


def test_nothing_migrates_the_database_of_django_and_a_hook_is_proposed() -> None:
    found = recipe({**DJANGO, "requirements.txt": "django\npsycopg"})
    assert "migrate" not in found.command
    assert 'release = ["python manage.py migrate --noinput"]' in " ".join(found.notes)


def test_a_database_that_is_a_file_of_the_container_is_migrated_at_each_start() -> None:
    found = recipe({**DJANGO, "shop/settings.py": "ENGINE = 'sqlite3'", "requirements.txt": ""})
    assert found.command.startswith("python manage.py migrate --noinput && exec ")
    assert "each start begins with an empty one" in " ".join(found.notes)


def test_static_files_are_collected_where_whitenoise_serves_them() -> None:
    assert "collectstatic" in recipe({**DJANGO, "requirements.txt": "whitenoise"}).text
    assert "collectstatic" not in recipe({**DJANGO, "requirements.txt": "django"}).text


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({}, "python:3.13-bookworm"),
        ({".python-version": "3.11.4\n"}, "python:3.11-bookworm"),
        ({"runtime.txt": "python-3.10.1"}, "python:3.10-bookworm"),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.10,<3.13'"}, "python:3.12-bookworm"),
        ({"pyproject.toml": "[project]\nrequires-python = '~=3.11'"}, "python:3.13-bookworm"),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.14'"}, "python:3.14-bookworm"),
        ({"Pipfile": "[requires]\npython_version = '3.9'"}, "python:3.9-bookworm"),
    ],
)
def test_the_version_of_python_is_one_that_the_repository_allows(files: Files, image: str) -> None:
    assert f"FROM {image}\n" in recipe({"requirements.txt": "", **FLASK, **files}).text


def test_what_nearly_fits_is_told() -> None:
    assert "requirements.txt is there, and nothing says what to run" in near(
        {"requirements.txt": "flask", "notes.py": "import this"}
    )
