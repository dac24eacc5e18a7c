"""What the framework's HTTP API answers, as JSON: the real models, of small values."""

import json
from typing import Any

from starlette.responses import Response

from framework.http_api.http import problems
from framework.http_api.http.problems import Kind
from framework.http_api.models import presenter as answers
from framework.http_api.models.ref_models import Ref
from framework.http_api.streams import agent_shares
from framework.ports.mesos_agents import Amount, MesosAgent
from framework.preview.steps import STEPS
from prevs import names
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from tests.fakes.previews import FakePreviews

SHA = "de6b329c8f3b4a5d6e7f8091a2b3c4d5e6f70819"
OTHER_SHA = "de6b329fffffffffffffffffffffffffffffffff"
ADDRESSES = names.addresses("localhost", 8080)

Json = dict[str, Any]


def app(name: str, **changes: object) -> Json:
    """Return an app as the API shows it."""
    shown: Json = answers.show_app(AppRecord(name, "/srv/x", created=1.0)).model_dump(mode="json")
    return shown | changes


def preview(app: str = "hello", sha: str = SHA, **changes: Any) -> Json:
    """Return a preview as the API shows it: it is queued, under the label main."""
    labels = tuple(changes.get("labels", ("main",)))
    record = PreviewRecord(app, sha, State.QUEUED, labels=labels, created=1.0, changed=2.0)
    presenter = answers.Presenter(FakePreviews(), ADDRESSES, lambda: None, lambda: 0.0)
    return presenter.show(record).model_dump(mode="json") | changes


def failed(**changes: Any) -> Json:
    """Return a preview that failed, with the end of its log."""
    failure = {"cause": "app-exited", "message": "The app exited.", "exit_code": 3, "mistakes": []}
    log_tail = "starting\noh no\n"
    return preview(**{"state": "failed", "failure": failure, "log_tail": log_tail, **changes})


def steps(*times: tuple[float | None, float | None, float | None]) -> list[Json]:
    """Return the six steps with their (began, ended, usual), as far as these go."""
    known = [*times, *[(None, None, None)] * (len(STEPS) - len(times))]
    keys = ("began", "ended", "usual")
    return [
        {"name": name, **dict(zip(keys, time, strict=True))}
        for name, time in zip(STEPS, known, strict=True)
    ]


def ref(name: str, sha: str = SHA, **changes: object) -> Json:
    """Return a branch as the API lists it."""
    label = names.slug(name)
    commit = {"author": "Ada", "subject": "Say hello", "committed": 1.0}
    leads = {"kind": "branch", "sha": sha, "url": ADDRESSES.url(label, "hello")}
    shown = Ref.model_validate(
        {"name": name, "label": label, "ambiguous": False, **leads, **commit}
    )
    return shown.model_dump(mode="json") | changes


def agent(host: str, **changes: object) -> Json:
    """Return an agent as the API lists it."""
    return agent_shares.show(known_agent(host), (), {}).model_dump(mode="json") | changes


def known_agent(host: str) -> MesosAgent:
    """Return an agent as Mesos knows it: nothing runs there."""
    room = (Amount(4.0, 4096.0), Amount(0.0, 0.0))
    return MesosAgent(f"{host}-S0", host, True, False, None, {}, *room)


def problem(slug: str, status: int, detail: str, **fields: object) -> Response:
    """Return the answer that refuses something."""
    return problems.answer_problem(Kind(slug, status, slug), detail, fields)


def content(answer: Response) -> Any:
    """Return the JSON of an answer."""
    return json.loads(bytes(answer.body))
