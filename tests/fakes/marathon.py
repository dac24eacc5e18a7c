"""As much of Marathon as takes app definitions: /v2/apps, over HTTP."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests import free_ports

Json = dict[str, Any]


class FakeMarathon:
    """Keeps the apps that it was posted, as they came."""

    def __init__(self) -> None:
        self.apps: dict[str, Json] = {}

    @contextlib.contextmanager
    def serve(self) -> Iterator[str]:
        """Serve them; yields the URL."""
        address = ("127.0.0.1", free_ports.free_port())
        server = ThreadingHTTPServer(address, self._make_handler())
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        apps = self.apps

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                app = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path != "/v2/apps":
                    self._answer(404, {"message": "No such path"})
                elif app["id"] in apps:
                    self._answer(409, {"message": f"{app['id']} is there already"})
                else:
                    apps[app["id"]] = app
                    self._answer(201, app)

            def do_GET(self) -> None:
                self._answer(200, {"apps": list(apps.values())})

            def _answer(self, status: int, body: Json) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
