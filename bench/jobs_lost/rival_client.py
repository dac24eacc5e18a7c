"""Sends jobs to Celery or RQ, or prints as JSON what it says about each of them.

    python -m bench.jobs_lost.rival_client (celery | rq) (send | ask) COUNT

Run in the Python of the rivals. The words are those of runs.Said.
"""

import json
import os
import sys
from collections.abc import Iterator

from redis import Redis

from bench.jobs_lost import small_work

_RETRIES = 3


def main(name: str, what: str, count: int) -> None:
    """Do one of the two for one of the queues."""
    redis = Redis.from_url(os.environ[small_work.BROKER])
    send, ask = (_send_celery, _ask_celery) if name == "celery" else (_send_rq, _ask_rq)
    if what == "send":
        send(redis, count)
    else:
        print(json.dumps(ask(redis, count)))


def _id(number: int) -> str:
    return f"job-{number}"


def _send_celery(_: Redis, count: int) -> None:
    from bench.jobs_lost.celery_app import work

    for number in range(count):
        work.apply_async((number,), task_id=_id(number))


def _ask_celery(redis: Redis, count: int) -> list[str]:
    """A task without a result is open if a message is in the queue, or with a worker."""
    from bench.jobs_lost.celery_app import app

    held = set(_celery_messages(redis))
    words = {"SUCCESS": "done", "FAILURE": "failed"}
    states = [app.AsyncResult(_id(number)).state for number in range(count)]
    return [
        words.get(state) or ("open" if _id(number) in held else "unknown")
        for number, state in enumerate(states)
    ]


def _celery_messages(redis: Redis) -> Iterator[str]:
    for message in redis.lrange("celery", 0, -1):
        yield json.loads(message)["headers"]["id"]
    for taken in redis.hvals("unacked"):
        yield json.loads(taken)[0]["headers"]["id"]


def _send_rq(redis: Redis, count: int) -> None:
    from rq import Queue, Retry

    retry = Retry(max=_RETRIES) if os.environ.get(small_work.SAFE) else None
    queue = Queue(connection=redis)
    queue.enqueue_many(
        [
            Queue.prepare_data(small_work.work, (number,), job_id=_id(number), retry=retry)
            for number in range(count)
        ]
    )


def _ask_rq(redis: Redis, count: int) -> list[str]:
    from rq.job import Job

    jobs = Job.fetch_many([_id(number) for number in range(count)], connection=redis)
    words = {"finished": "done", "failed": "failed"}
    states = [None if job is None else job.get_status(refresh=False).value for job in jobs]
    return ["unknown" if state is None else words.get(state, "open") for state in states]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
