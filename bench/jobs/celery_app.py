"""The task for Celery. Run in the Python of the rivals."""

import os

from celery import Celery

from bench.jobs import small_job

app = Celery("bench", broker=os.environ[small_job.BROKER], backend=os.environ[small_job.BROKER])
# One message at a time for each process: otherwise one has the last jobs, while others are idle.
app.conf.update(worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)
work = app.task(small_job.work, name="work")
