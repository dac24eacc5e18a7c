"""Sends so many jobs to Celery or RQ, and prints the seconds until the last has ended.

    python -m bench.jobs.burst (celery | rq) COUNT

Run in the Python of the rivals.
"""

import os
import sys
import time

from bench.jobs import small_job

_LIMIT = 1800.0  # seconds: workers that die report nothing
_LOOK = 0.05


def main(name: str, count: int) -> None:
    """Send and wait; a job that fails ends this program with its error."""
    began = time.monotonic()
    if name == "celery":
        _celery(count)
    else:
        _rq(count)
    print(time.monotonic() - began)


def _celery(count: int) -> None:
    from celery import group

    from bench.jobs.celery_app import work

    group(work.s() for _ in range(count)).apply_async().get(timeout=_LIMIT)


def _rq(count: int) -> None:
    from redis import Redis
    from rq import Queue

    queue = Queue(connection=Redis.from_url(os.environ[small_job.BROKER]))
    # By default a result is forgotten before the last of many jobs has ended.
    jobs = [Queue.prepare_data(small_job.work, result_ttl=round(_LIMIT)) for _ in range(count)]
    queue.enqueue_many(jobs)
    deadline = time.monotonic() + _LIMIT
    while (ended := len(queue.finished_job_registry)) < count:
        if time.monotonic() > deadline:
            sys.exit(f"of {count} jobs {ended} have ended after {_LIMIT:.0f} s")
        if failed := queue.failed_job_registry.get_job_ids():
            sys.exit(f"a job has failed: {queue.fetch_job(failed[0])}")
        time.sleep(_LOOK)
    for job_id in queue.finished_job_registry.get_job_ids():
        queue.finished_job_registry.remove(job_id, delete_job=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
