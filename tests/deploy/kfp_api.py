"""The Kubeflow Pipelines API (v2beta1) on loopback, as far as kfp.Client asks it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pipelines:
    """Keeps one run, whose state moves on at each question; the last state stays. And recurring runs.

    A number in the place of a state is an HTTP status to answer with.
    """

    def __init__(self, *states: str | int, refuse: int | None = None):
        self.states = list(states)
        self.refuse = refuse
        self.asked: list[str] = []
        self.submitted: dict | None = None
        self.token: str | None = None
        self.experiments: list[dict] = []
        self.recurring: dict[str, dict] = {}

    def answer(self, method: str, path: str, body: dict) -> tuple[int, dict]:
        """(status, JSON) of a request."""
        self.asked.append(f"{method} {path}")
        if path.endswith("/healthz"):
            return 200, {"multi_user": False}
        if self.refuse:
            return self.refuse, {"error": "refused"}
        if path.endswith("/experiments"):
            if method == "POST":
                self.experiments.append(body)
            return 200, {"experiment_id": "e", "display_name": body.get("display_name", "x")}
        if path.partition("/recurringruns")[1]:
            return self._recurring(method, path.rpartition("/")[2], body)
        if method == "POST" and path.endswith("/runs"):
            self.submitted = body
            return 200, body | {"run_id": "r-1"}
        if method == "GET" and path.endswith("/runs/r-1"):
            state = self.states[0] if len(self.states) == 1 else self.states.pop(0)
            if isinstance(state, int):
                return state, {"error": "away"}
            task = {"display_name": "Pusher", "state": state}
            return 200, {
                "run_id": "r-1",
                "state": state,
                "run_details": {"task_details": [task]},
            }
        if method == "POST" and path.endswith("/runs/r-1:terminate"):
            return 200, {}
        return 404, {"error": f"no {path}"}

    def _recurring(self, method: str, name: str, body: dict) -> tuple[int, dict]:
        if method == "POST":
            made = body | {"recurring_run_id": f"s-{len(self.recurring) + 1}"}
            self.recurring[made["recurring_run_id"]] = made
            return 200, made
        if method == "GET":
            return 200, {"recurringRuns": list(self.recurring.values())} if self.recurring else {}
        if method == "DELETE" and self.recurring.pop(name, None):
            return 200, {}
        return 404, {"error": f"no {name}"}


@contextlib.contextmanager
def serving(pipelines: Pipelines) -> Iterator[str]:
    """Serves `pipelines`; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_) -> None: ...

        def reply(self) -> None:
            pipelines.token = self.headers.get("Authorization")
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            path = self.path.partition("?")[0]
            status, answer = pipelines.answer(self.command, path, body or {})
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = do_DELETE = reply

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
