"""What a command is told beside our own variables."""

from framework.jobs import conventions
from prevs.work import FOLDER, PAYLOAD_FILE, Work

WORK = Work("k4z7", ("python", "work.py"), 60.0, environment={"MODE": "x"}, payload="e30=")


def test_a_job_of_our_own_is_told_nothing_more() -> None:
    assert conventions.tell(WORK, "") is WORK


def test_a_worker_of_ironworker_gets_its_arguments_and_variables() -> None:
    told = conventions.tell(WORK, conventions.IRONWORKER)
    arguments = ("-id", "k4z7", "-d", FOLDER, "-payload", PAYLOAD_FILE)
    assert told.command == ("python", "work.py", *arguments)
    files = {"TASK_ID": "k4z7", "TASK_DIR": FOLDER, "PAYLOAD_FILE": PAYLOAD_FILE}
    assert (told.variables, told.environment) == (files, {"MODE": "x"})


def test_a_task_without_a_payload_is_told_of_no_file() -> None:
    told = conventions.tell(Work("k4z7", ("w",), 1.0), conventions.IRONWORKER)
    assert (told.command, set(told.variables)) == (
        ("w", "-id", "k4z7", "-d", FOLDER),
        {"TASK_ID", "TASK_DIR"},
    )
