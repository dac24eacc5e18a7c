"""The task for Celery. Run in the Python of the rivals."""

import os

from celery import Celery

from bench.jobs_lost import small_work

_BROKER = os.environ[small_work.BROKER]

app = Celery("bench", broker=_BROKER, backend=_BROKER)
# What a dead worker has taken comes back after an hour by default, and within 100 s more.
app.conf.update(
    broker_transport_options={"visibility_timeout": 20, "unacked_restore_throttle": 1},
    broker_connection_retry_on_startup=True,
)
if os.environ.get(small_work.SAFE):
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)
work = app.task(small_work.work, name="work")
