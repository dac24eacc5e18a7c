"""The page of a book: asks `details` and `reviews`, and shows which version of each answered."""

import html
import json
import os
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ME = {
    "member": "web",
    "label": os.environ.get("PREVS_LABEL", ""),
    "commit": os.environ.get("PREVS_COMMIT", ""),
    "variant": os.environ.get("PREVS_STACK", ""),
}


def ask(member: str, baggage: str) -> Mapping[str, Any]:
    """Return what a member answers. The request waits while that member starts."""
    # Who passes `baggage` on stays in the variant of a stack in which the visitor began.
    headers = {"baggage": baggage} if baggage else {}
    url = os.environ[f"{member.upper()}_URL"]
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - prevs sets it
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        found: Mapping[str, Any] = json.load(answer)
        return found


def collect(baggage: str) -> Mapping[str, Any]:
    """Return this member, and what those answer that it asks, both at the same time."""
    with ThreadPoolExecutor() as pool:
        asked = {one: pool.submit(ask, one, baggage) for one in ("details", "reviews")}
        return {**ME, **{one: answer.result() for one, answer in asked.items()}}


def show(found: Mapping[str, Any]) -> str:
    """Return the page."""
    details, reviews = found["details"], found["reviews"]
    rows = "".join(
        f"<tr><td>{html.escape(one['member'])}<td>{html.escape(one['commit'][:7])}"
        f"<td>{html.escape(one['variant'] or one['label'] + ', shared')}\n"
        for one in (found, details, reviews, reviews["ratings"])
    )
    said = "".join(f"<li>{html.escape(one)}\n" for one in reviews["reviews"])
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{html.escape(details['title'])}</title>\n"
        '<body style="font-family: sans-serif; margin: auto; max-width: 40em; padding: 1em">\n'
        f"<h1>{html.escape(details['title'])}</h1>\n<p>{html.escape(details['about'])}</p>\n"
        f"<h2>Reviews</h2>\n<ul>\n{said}</ul>\n<h2>Who has answered</h2>\n"
        '<table style="text-align: left; border-spacing: 1em 0">\n'
        f"<tr><th>member<th>commit<th>variant\n{rows}</table>\n</body>\n</html>\n"
    )


class Handler(BaseHTTPRequestHandler):
    """Answers /healthz, / for people, and /answers for programs."""

    def do_GET(self) -> None:
        """Answer a request."""
        if self.path == "/healthz":
            self.answer("text/plain", "ok\n")
            return
        found = collect(self.headers.get("baggage", ""))
        if self.path == "/answers":
            self.answer("application/json", json.dumps(found))
        else:
            self.answer("text/html; charset=utf-8", show(found))

    def answer(self, kind: str, text: str) -> None:
        """Send a text."""
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
