"""What a check of a repository finds, as the API shows it."""

from typing import Any

from pydantic import BaseModel, Field

from framework.http_api.http.examples import SHA, example, order_example
from framework.http_api.models.app_models import AppTerms

_CONTAINER: dict[str, Any] = {
    "name": "db",
    "image": "postgres:17",
    "dockerfile": "",
    "target": "",
    "command": [],
    "port": None,
    "cpus": 0.1,
    "mem": 256,
    "volumes": ["/var/lib/postgresql/data"],
    "once": False,
}
_PLAN: dict[str, Any] = {
    "source": "compose.yaml",
    "recipe": None,
    "port": 8000,
    "health": "/",
    "start_limit": 120.0,
    "cpus": 0.2,
    "mem": 384,
    "containers": [_CONTAINER],
    "hooks": [["python", "manage.py", "migrate"]],
    "watch": ["**"],
}
_NOTE: dict[str, Any] = {
    "message": "services.web.restart has no effect: prevs restarts by itself",
    "file": "compose.yaml",
    "line": 4,
}


class CheckOrder(AppTerms):  # type: ignore[misc] # its fields follow from AppRecord
    """An order to look at a commit of a repository, with the settings that its app would have."""

    model_config = order_example(
        {"repository": "https://git.example.org/hello.git", "ref": "feature/x"}
    )

    ref: str = Field(
        default="",
        max_length=250,
        description="A branch, a tag or a whole commit id. Empty: the default branch.",
    )


class CheckedRecipe(BaseModel):
    """A Dockerfile that prevs writes for a commit without one."""

    model_config = example(
        {"name": "Node", "why": ["package.json"], "dockerfile": "FROM node:22-slim\n…"}
    )

    name: str
    why: list[str] = Field(description="The files that led to it.")
    dockerfile: str = Field(description="Its text, to keep it in the repository.")


class CheckedContainer(BaseModel):
    """A container of a preview."""

    model_config = example(_CONTAINER)

    name: str = Field(description="`app` for the application.")
    image: str = Field(description="The image that is pulled; empty if it is built.")
    dockerfile: str = Field(
        description="What it is built from, from the repository's root on; empty for an image "
        "that is pulled, and for a recipe."
    )
    target: str = Field(description="The stage to which it is built; empty for the last one.")
    command: list[str] = Field(description="Empty for the command of its image.")
    port: int | None = Field(description="Where visitors reach it; null if they do not.")
    cpus: float
    mem: int = Field(description="In MB.")
    volumes: list[str]
    once: bool = Field(description="It runs to its end before those after it start.")


class Plan(BaseModel):
    """What would be built and run of a commit."""

    model_config = example(_PLAN)

    source: str = Field(description="What describes the commit: files, or a recipe.")
    recipe: CheckedRecipe | None = Field(description="null: it needs none.")
    port: int = Field(description="Where the application has to listen.")
    health: str = Field(description="The path of the health check.")
    start_limit: float = Field(description="Seconds that the application may take to be ready.")
    cpus: float = Field(description="Of all containers together.")
    mem: int = Field(description="Of all containers together, in MB.")
    containers: list[CheckedContainer] = Field(description="The application first.")
    hooks: list[list[str]] = Field(description="The commands that run before the first request.")
    watch: list[str] = Field(
        description="What of the repository it is made of; empty for everything. A push that "
        "changes nothing of it keeps the running preview."
    )


class CheckedNote(BaseModel):
    """A sentence about a commit."""

    model_config = example(_NOTE)

    message: str
    file: str = Field(description="From the repository's root on; empty for none.")
    line: int | None


class Unrecognised(BaseModel):
    """Why nothing describes a commit, and what to do."""

    model_config = example(
        {
            "why": "Nothing in the root of the repository says how to run it.",
            "looked_for": [".prevs.toml", "a Dockerfile"],
            "found": ["Makefile"],
            "near": [],
            "ways": ["write a Dockerfile there"],
        }
    )

    why: str
    looked_for: list[str]
    found: list[str] = Field(description="Files that tell people what the repository is.")
    near: list[str] = Field(description="What is missing for a recipe.")
    ways: list[str] = Field(description="Three ways on.")


class Check(BaseModel):
    """What a check of a commit has found; nothing was built."""

    model_config = example(
        {
            "sha": SHA,
            "runs": True,
            "plan": _PLAN,
            "unrecognised": None,
            "mistakes": [],
            "notes": [_NOTE],
        }
    )

    sha: str
    runs: bool = Field(description="Nothing is known that keeps it from being built and run.")
    plan: Plan | None = Field(description="null: its files have mistakes, or nothing describes it.")
    unrecognised: Unrecognised | None = Field(description="null: something describes it.")
    mistakes: list[CheckedNote] = Field(description="What keeps it from being built.")
    notes: list[CheckedNote] = Field(description="What people should know.")
