"""An HTTP server on loopback whose answers a test sets."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pages:
    """`answer` gives a target's status and body, or with status 307 the next address.

    `requests` has the target of each request, and its Authorization.
    """

    def __init__(self, answer: Callable[[str], tuple[int, bytes]]) -> None:
        received = self.requests = list[tuple[str, str | None]]()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                received.append((self.path, self.headers["Authorization"]))
                status, body = answer(self.path)
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", body.decode())
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
