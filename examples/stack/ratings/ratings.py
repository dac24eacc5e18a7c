"""How many stars a book has."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = {
    "member": "ratings",
    "label": os.environ.get("PREVS_LABEL", ""),
    "commit": os.environ.get("PREVS_COMMIT", ""),
    "variant": os.environ.get("PREVS_STACK", ""),
    "stars": [4, 5],
}


class Handler(BaseHTTPRequestHandler):
    """Answers each path alike."""

    def do_GET(self) -> None:
        """Answer a request."""
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
