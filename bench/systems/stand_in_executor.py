"""An executor for benches: a program that reports that its task runs, and waits.

The task of a job ends at once, and another one may follow. It implements the agent's HTTP API by
hand: hundreds of them run at once, so it imports very little. Its arguments are the TaskStatus.data
(base64) to send when a task runs, and when a job has ended.
"""

import binascii
import os
import socket
import sys
import time

_PATH = "/api/v1/executor"
_LONGEST = 65536  # bytes of an event
_LINGER = 5.0
"""Seconds for another job to come (framework/attempts/job_executors.py)."""


def main() -> None:
    """Subscribe, report, and run until the agent ends the task or the executor."""
    stream = _post(f'{{"type":"SUBSCRIBE",{_ids()},"subscribe":{{}}}}')
    seen, task = b"", ""
    while chunk := _receive(stream):
        seen += chunk
        if order := _read_order(seen):
            task = _read_task(seen)
            _report(task, "TASK_RUNNING", sys.argv[1])
            if b'"work":{' in order:
                _report(task, "TASK_FINISHED", sys.argv[2])
                stream.settimeout(0.0 if b'"linger":0.0' in order else _LINGER)
                task = ""
            seen = b""
        if b'"type":"KILL"' in seen and task:
            _report(task, "TASK_KILLED", sys.argv[1])
            time.sleep(1)  # the agent reads it before it sees that the executor has gone
        if b'"type":"KILL"' in seen or b'"type":"SHUTDOWN"' in seen:
            return
        # An event that came in two pieces is found with the second.
        seen = seen[-_LONGEST:]


def _receive(stream: socket.socket) -> bytes:
    """Return what the agent sends; nothing once it is too late for another job."""
    try:
        return stream.recv(4096)
    except OSError:
        return b""


def _read_task(seen: bytes) -> str:
    """Return the id of the task in an event, in which all of its order is."""
    _, _, launched = seen.partition(b'"launch":{')
    _, _, found = launched.partition(b'"task_id":{"value":"')
    return found.partition(b'"')[0].decode()


def _read_order(seen: bytes) -> bytes:
    """Return the data of the task, once all of it is there."""
    data = seen.partition(b'"launch":{')[2].partition(b'"data":"')[2]
    text, end, _ = data.partition(b'"')
    return binascii.a2b_base64(text.replace(b"\\", b"")) if end else b""


def _ids() -> str:
    framework, executor = os.environ["MESOS_FRAMEWORK_ID"], os.environ["MESOS_EXECUTOR_ID"]
    return f'"framework_id":{{"value":"{framework}"}},"executor_id":{{"value":"{executor}"}}'


def _report(task: str, state: str, data: str) -> None:
    executor = os.environ["MESOS_EXECUTOR_ID"]
    chance = bytearray(os.urandom(16))
    # An agent takes nothing but a UUID of a known version, which is 4 here.
    chance[6], chance[8] = chance[6] & 0x0F | 0x40, chance[8] & 0x3F | 0x80
    uuid = binascii.b2a_base64(chance, newline=False).decode()
    status = (
        f'{{"task_id":{{"value":"{task}"}},"executor_id":{{"value":"{executor}"}},"state":"{state}",'
        f'"source":"SOURCE_EXECUTOR","timestamp":{time.time()},"uuid":"{uuid}",'
        f'"data":"{data}","healthy":true}}'
    )
    answer = _post(f'{{"type":"UPDATE",{_ids()},"update":{{"status":{status}}}}}')
    output = answer.recv(4096)
    if b" 202 " not in output:
        sys.exit(f"The agent did not accept {state}: {output!r}")
    answer.close()


def _post(body: str) -> socket.socket:
    host, _, port = os.environ["MESOS_AGENT_ENDPOINT"].rpartition(":")
    connection = socket.create_connection((host, int(port)))
    connection.sendall(
        f"POST {_PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    return connection


if __name__ == "__main__":
    main()
