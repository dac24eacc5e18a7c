"""An executor for benches: a program that reports that its task runs, and waits.

It implements the agent's HTTP API by hand: hundreds of them run at once, so it imports very
little. Its argument is the TaskStatus.data to send (base64); the executor's id is the task's.
"""

import binascii
import os
import socket
import sys
import time

_PATH = "/api/v1/executor"


def main() -> None:
    """Subscribe, report, and run until the agent ends the task or the executor."""
    stream = _post(f'{{"type":"SUBSCRIBE",{_ids()},"subscribe":{{}}}}')
    seen = b""
    while chunk := stream.recv(4096):
        seen += chunk
        if b'"type":"LAUNCH"' in seen:
            _report("TASK_RUNNING")
        if b'"type":"KILL"' in seen:
            _report("TASK_KILLED")
            time.sleep(1)  # the agent reads it before it sees that the executor has gone
        if b'"type":"KILL"' in seen or b'"type":"SHUTDOWN"' in seen:
            return
        # An event that came in two pieces is found with the second.
        seen = b"" if chunk.endswith(b"\n") or b'"type":"LAUNCH"' in seen else seen[-4096:]


def _ids() -> str:
    framework, executor = os.environ["MESOS_FRAMEWORK_ID"], os.environ["MESOS_EXECUTOR_ID"]
    return f'"framework_id":{{"value":"{framework}"}},"executor_id":{{"value":"{executor}"}}'


def _report(state: str) -> None:
    task = os.environ["MESOS_EXECUTOR_ID"]
    chance = bytearray(os.urandom(16))
    # An agent takes nothing but a UUID of a known version, which is 4 here.
    chance[6], chance[8] = chance[6] & 0x0F | 0x40, chance[8] & 0x3F | 0x80
    uuid = binascii.b2a_base64(chance, newline=False).decode()
    status = (
        f'{{"task_id":{{"value":"{task}"}},"executor_id":{{"value":"{task}"}},"state":"{state}",'
        f'"source":"SOURCE_EXECUTOR","timestamp":{time.time()},"uuid":"{uuid}",'
        f'"data":"{sys.argv[1]}","healthy":true}}'
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
