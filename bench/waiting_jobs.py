"""The decision with many waiting jobs, of which few can start: for tests/costs/test_job_queue.py.

As in bench.decision, the store and the master return at once.
"""

import random

from bench import decision
from bench.decision import Scene
from framework import events
from framework.jobs.orders import JobOrder
from framework.matching.resources import Offer, Resource
from prevs.job_settings import JobSettings
from prevs.records import AppRecord

APPS = 20
_BATCH = 300


def build(jobs: int) -> Scene:
    """Return a framework in which so many jobs of 20 apps wait."""
    apps = [AppRecord(f"app-{number}", "https://git.example.org/app.git") for number in range(APPS)]
    scene = decision.lead(apps, [], random.Random(0))
    orders = [_order(number) for number in range(jobs)]
    for first in range(0, jobs, _BATCH):
        scene.service.job_commands.request(orders[first : first + _BATCH])
        scene.seconds[0] += 1.0
    scene.service.step([])
    decide(scene)
    return scene


def decide(scene: Scene) -> None:
    """Take one turn with the offer of one more agent, where jobs may take room for one of them."""
    scene.seconds[0] += 6.0
    number = int(scene.seconds[0])
    room = (Resource("cpus", 1.0), Resource("mem", 400.0))
    offer = Offer(f"offer-{number}", f"agent-{number}", "10.0.0.1", room)
    scene.service.step([events.Offered([offer])])


def _order(number: int) -> JobOrder:
    terms = JobSettings(("true",), cpus=0.1, mem=128, priority=number % 3, preemptible=True)
    return JobOrder(f"{number:016d}", f"app-{number % APPS}", "main", "a" * 40, terms)
