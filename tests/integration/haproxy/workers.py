"""A service worker, and a worker of a page's own, in a real browser."""

from collections.abc import Mapping

from playwright.sync_api import Page

SCRIPTS: Mapping[str, str] = {
    "/service-worker.js": """
        addEventListener("install", () => skipWaiting());
        addEventListener("activate", event => event.waitUntil(clients.claim()));
        addEventListener("fetch", event => event.respondWith(fetch(event.request)));
        addEventListener("message", async event => {
            const answer = await fetch(...event.data);
            event.ports[0].postMessage([answer.status, answer.headers.get("content-type")]);
        });""",
    "/worker.js": """
        onmessage = async event => {
            const answer = await fetch(...event.data);
            event.ports[0].postMessage([answer.status, answer.headers.get("content-type")]);
        };
        postMessage("loaded");""",
    "/module.js": "window.more = () => import('./imported.js')",
    "/imported.js": "",
}
"""What the application has to serve. Its service worker passes on what a page asks for, and asks by
itself when it is told to."""


def install_service_worker(page: Page) -> None:
    """Activate the service worker for a page."""
    page.evaluate(
        """() => new Promise(done => {
            navigator.serviceWorker.oncontrollerchange = () => {
                window.worker = navigator.serviceWorker.controller; done();
            };
            navigator.serviceWorker.register("/service-worker.js");
        })"""
    )


def start_worker(page: Page) -> None:
    """Start a worker of a page's own."""
    page.evaluate(
        """() => new Promise(done => {
            window.worker = new Worker("/worker.js");
            window.worker.onmessage = () => done();
        })"""
    )


def fetch(page: Page, path: str, options: Mapping[str, object] | None = None) -> tuple[int, str]:
    """Have a page's worker fetch by itself; return the status and the media type."""
    status, kind = page.evaluate(
        """fetched => new Promise(done => {
            const channel = new MessageChannel();
            channel.port1.onmessage = event => done(event.data);
            window.worker.postMessage(fetched, [channel.port2]);
        })""",
        [path, options or {}],
    )
    return status, kind.partition(";")[0]
