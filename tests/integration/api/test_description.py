"""The API's description, held against the API by schemathesis: over fakes, and a real framework.

The token of each run has the needed scope, or gets a refusal; a wrong one is always
refused. Texts of formats that no pattern describes are in tests/fakes/texts.py.
"""

import itertools
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from framework.access import Scope as Right
from framework.gates.written_gate import WrittenGate
from framework.gates.written_rule import WrittenRule, WrittenTarget
from framework.http_api.http.examples import SHA
from framework.jobs.orders import JobOrder
from framework.jobs.transitions import Finished
from framework.ports import RepositoryFile
from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import WrittenStack
from prevs.job_settings import JobSettings
from prevs.records import AppRecord
from prevs.schedules import ScheduleRecord
from prevs.stacks import Member
from prevs.states import State
from tests.conftest import Mesos
from tests.fakes import asgi
from tests.fakes.asgi import ApiInProcess
from tests.fakes.clock import FakeClock
from tests.fakes.program import Program, make_repository, remove, settings
from tests.fakes.served import serving

pytestmark = [pytest.mark.integration, pytest.mark.night, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
JOB = JobOrder("k4z7q2n5v3w6x2y7", "hello", "main", SHA, JobSettings(("true",)), group="november")
"""With the id of the examples."""
GATE = WrittenGate("hello", [WrittenRule("/", [WrittenTarget("main")])])
STACK = WrittenStack("web", {"web": Member("hello", "main")})
NIGHTLY = ScheduleRecord("hello", "nightly", "main", "report", cron="0 6 * * *", token="ci")

VALID_KEY = re.compile(rb'"[ !#-~]{1,255}"|[A-Za-z0-9_.:/+=-]{1,255}')


class QuickClock(FakeClock):
    """A clock that moves an hour with each reading: no limit is reached, no key is kept."""

    def read(self) -> float:
        self.pass_seconds(3600.0)
        return super().read()


def give_own_keys(app: ASGIApp) -> ASGIApp:
    """Return the API as if each order of jobs came with a key of its own.

    schemathesis sends the key of the examples with many orders, and all but one are refused, and
    rightly: a job keeps its key for as long as it is there.
    """
    numbers = itertools.count(1)

    def renew(name: bytes, value: bytes) -> bytes:
        valid = name == b"idempotency-key" and VALID_KEY.fullmatch(value)
        return b'"order %d"' % next(numbers) if valid else value

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and ("/jobs" in scope["path"] or "/run" in scope["path"]):
            headers = [(name, renew(name, value)) for name, value in scope["headers"]]
            scope = {**scope, "headers": headers}
        await app(scope, receive, send)

    return answer


def make_busy() -> ApiInProcess:
    """Return the API over fakes, with the things in it that its examples name."""
    api = ApiInProcess(clock=QuickClock())
    api.previews.add_app(AppRecord("hello", "/srv/git/hello"))
    api.refs.put("hello", "main", SHA)
    api.previews.put("hello", SHA, State.FAILED, labels=("main",), task_id="t")
    api.sandboxes.output["t"] = "Größe\n".encode()
    api.tokens.add_token("deploys", Right.USE)
    settings = b"[jobs.report]\ncommand = ['true']\n"
    api.refs.files["hello", SHA, ".prevs.toml"] = RepositoryFile("file", len(settings), settings)
    api.schedules.command(lambda commands: commands.put(NIGHTLY))
    api.gates.command(
        lambda commands: commands.carry_out(
            commands.plan("api", GATE, by="ci")._replace(awaited=()), {"main": SHA}
        )
    )
    api.stacks.command(lambda commands: commands.write("shop", STACK, by="ci"))
    variant = WrittenVariant("feature-x", own=("web",))
    api.stacks.command(lambda commands: commands.open("shop", variant, (), by="ci"))
    api.jobs.command(lambda commands: commands.request([JOB]))
    api.jobs.launch(JOB.id)
    api.jobs.change(JOB.id, Finished("ZG9uZQ==", 4))
    return api


def explore(
    url: str, token: str, folder: Path, *more: str, hooks: str = "tests.fakes.texts"
) -> str:
    """Run schemathesis over every call; return its output. Fails if it finds something."""
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            str(program),
            f"--config-file={HERE / 'schemathesis.toml'}",
            "run",
            f"{url}/openapi.json",
            f"--header=Authorization: Bearer {token}",
            "--wait-for-schema=60",
            "--checks=all",
            # DELETE stops a preview, which is there all the same, and has a log. A new app has no
            # token for its forge: 404 is right there.
            "--exclude-checks=use_after_free,ensure_resource_availability",
            "--generation-deterministic",
            "--continue-on-failure",
            "--request-timeout=60",
            "--no-color",
            *more,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": hooks},
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return done.stdout


def test_the_description_matches_every_call(tmp_path: Path) -> None:
    api = make_busy()
    with serving(give_own_keys(api.app)) as url:
        output = explore(url, asgi.TOKEN, tmp_path, "--max-examples=8")
    calls = sum(len(path) for path in api.app.openapi()["paths"].values())
    assert f"Tested: {calls}\n" in output


def test_the_description_matches_a_running_framework_and_a_token_with_a_smaller_scope(
    mesos: Mesos, zookeeper: str, free_port: Callable[[], int], tmp_path: Path
) -> None:
    root = f"/test-{uuid.uuid4().hex}"
    environ = settings(mesos.zk, zookeeper, root, free_port(), tmp_path)
    program = Program(environ, tmp_path / "framework.log")
    program.start()
    try:
        program.wait_ready()
        hello = {"name": "hello", "repository": str(make_repository(tmp_path / "hello"))}
        assert program.request("POST", "/v1/apps", json=hello).status_code == 201
        made = program.request(
            "POST", "/v1/tokens", json={"name": "explorer", "scope": "use"}
        ).json()
        # Wrong tokens soon reach their limit there, whose answer is not one of the expected ones.
        few = "--exclude-checks=ignored_auth,missing_required_header"
        explore(
            program.url,
            made["token"],
            tmp_path,
            few,
            "--phases=examples,fuzzing,stateful",
            "--max-examples=2",
            hooks="tests.fakes.order_keys",
        )
        assert "unexpected error" not in program.log.read_text()
    finally:
        program.clean_up()
        remove(mesos.master, zookeeper, root)
