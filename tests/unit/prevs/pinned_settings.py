"""The settings of a commit in the records whose bytes test_pinned_bytes.py pins."""

from prevs.commit_settings import BuildSettings, HealthKind, RunSettings
from prevs.companions import Companion

BUILD = BuildSettings(dockerfile="docker/web", context="..", target="web", args={"A": "1"})
RUN = RunSettings(
    command=("gunicorn", "app:app"),
    environment={"NAME": "größe"},
    read_only=True,
    volumes=("/data",),
    hooks=(("python", "manage.py", "migrate"), ("python", "seed.py")),
    statuses=(200, 204),
    check_timeout=2.5,
    health_kind=HealthKind.GRPC,
    companions=(
        Companion(
            name="db",
            image="postgres:17",
            environment={"POSTGRES_PASSWORD": "x"},
            volumes=("/var/lib/postgresql/data",),
            ready=("pg_isready", "-U", "postgres"),
            cpus=0.25,
            mem=256,
        ),
        Companion(
            name="worker",
            target="worker",
            command=("celery", "worker"),
            ready_port=5555,
            after=("db",),
        ),
    ),
    stay=True,
)
