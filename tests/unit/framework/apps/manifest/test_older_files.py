"""A `.prevs.toml` as teams had it before compose files were read as written."""

from framework.apps.manifest import Bounds, read
from prevs.commit_settings import CommitSettings, HealthKind, RunSettings
from prevs.companions import Companion
from prevs.containers import BuildSettings
from prevs.job_settings import JobSettings
from prevs.schedules import ScheduleSettings

OLDER = b"""\
port = 8000
command = ["gunicorn", "--bind", "0.0.0.0:8000", "shop.wsgi"]
read_only = true
volumes = ["/var/lib/shop"]
stay = true

[environment]
MODE = "preview"

[health]
kind = "http"
path = "/up"
status = [200, 401]
grace = 90
timeout = 3

[resources]
mem = 256
cpus = 0.2

[build]
dockerfile = "deploy/Dockerfile"
context = "."
target = "web"
args = { RELEASE = "1" }

[hooks]
prepare = ["python manage.py migrate --noinput"]

[companions.db]
image = "postgres:17"
environment = { POSTGRES_PASSWORD = "preview" }
volumes = ["/var/lib/postgresql/data"]
ready = ["pg_isready", "-U", "postgres"]
mem = 256

[companions.worker]
command = ["celery", "-A", "shop", "worker"]
after = ["db"]
cpus = 0.2

[jobs.nightly]
command = ["python", "manage.py", "clearsessions"]
schedule = "0 3 * * *"
"""
DATABASE = Companion(
    "db",
    image="postgres:17",
    environment={"POSTGRES_PASSWORD": "preview"},
    volumes=("/var/lib/postgresql/data",),
    ready=("pg_isready", "-U", "postgres"),
    mem=256,
)
WORKER = Companion("worker", command=("celery", "-A", "shop", "worker"), after=("db",), cpus=0.2)
RUN = RunSettings(
    command=("gunicorn", "--bind", "0.0.0.0:8000", "shop.wsgi"),
    environment={"MODE": "preview"},
    read_only=True,
    volumes=("/var/lib/shop",),
    hooks=(("python", "manage.py", "migrate", "--noinput"),),
    statuses=(200, 401),
    check_timeout=3.0,
    health_kind=HealthKind.HTTP,
    companions=(DATABASE, WORKER),
    stay=True,
)


def test_an_older_file_says_what_it_said() -> None:
    """What the reader of then returned; a setting that came since has its default."""
    found = read(OLDER, Bounds("shop", "", 8.0, 16384))
    assert found.settings == CommitSettings(
        port=8000,
        health="/up",
        start_limit=90.0,
        cpus=0.2,
        mem=256,
        build=BuildSettings("deploy/Dockerfile", ".", "web", {"RELEASE": "1"}),
        run=RUN,
    )
    schedule = ScheduleSettings(cron="0 3 * * *")
    nightly = JobSettings(("python", "manage.py", "clearsessions"), schedule=schedule)
    assert found.jobs == {"nightly": nightly}
    assert not found.notes
