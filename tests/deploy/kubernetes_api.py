"""A Kubernetes API on loopback that keeps TFJobs and records what it was asked.

The scenario is played as an operator would: at each question about the job, one more step of it.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

JOBS = "/apis/kubeflow.org/v1/namespaces/{}/tfjobs"


@dataclass
class Cluster:
    """What the server holds, and what happened.

    Attributes:
      steps: (condition of the job, new lines of the chief's log) at each question; the last stays. A
        number in the place of the condition is an HTTP status to answer with.
      jobs: TFJobs by name.
      asked: (method, path) of each request.
      refuse: HTTP status that creations are answered with, instead.
      operator: carries out a job that was created, before the creation is answered.
    """

    steps: list[tuple[str | int, list[str]]]
    jobs: dict[str, dict] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refuse: int | None = None
    log: list[str] = field(default_factory=list)
    operator: Callable[[dict], None] | None = None

    def methods(self) -> list[str]:
        """Methods of the requests about jobs, repeats once."""
        of_jobs = [method for method, path in self.asked if "/tfjobs" in path]
        return [m for i, m in enumerate(of_jobs) if i == 0 or of_jobs[i - 1] != m]


@contextlib.contextmanager
def serving(cluster: Cluster, folder: Path) -> Iterator[Path]:
    """Serves `cluster` on loopback; yields a kubeconfig file, in `folder`, that points there."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_) -> None: ...

        def answer(self, status: int, body: dict | str) -> None:
            text = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(text.encode())

        def name(self) -> str:
            path = self.path.partition("?")[0]
            cluster.asked.append((self.command, path))
            return path.rsplit("/", 1)[-1]

        def do_POST(self) -> None:
            self.name()
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = body["metadata"]["name"]
            if cluster.refuse:
                self.answer(cluster.refuse, {"kind": "Status"})
            elif name in cluster.jobs:
                self.answer(409, {"kind": "Status", "reason": "AlreadyExists"})
            else:
                cluster.jobs[name] = body
                if cluster.operator is not None:
                    cluster.operator(body)
                self.answer(201, body)

        def do_GET(self) -> None:
            name = self.name()
            if name == "log":
                self.answer(200, "\n".join(cluster.log))
                return
            if name not in cluster.jobs:
                self.answer(404, {"kind": "Status"})
                return
            state, lines = cluster.steps[0] if len(cluster.steps) == 1 else cluster.steps.pop(0)
            if isinstance(state, int):
                self.answer(state, {"kind": "Status"})
                return
            for line in lines:
                cluster.log.append(f"2026-01-01T00:00:00.{len(cluster.log):09d}Z {line}")
            condition = {"type": state, "status": "True", "message": f"the job is {state}"}
            self.answer(200, cluster.jobs[name] | {"status": {"conditions": [condition]}})

        def do_DELETE(self) -> None:
            cluster.jobs.pop(self.name())
            cluster.steps[:] = cluster.steps or [("Running", [])]
            self.answer(200, {"kind": "Status"})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    config = folder / "kubeconfig"
    address = f"http://127.0.0.1:{server.server_address[1]}"
    config.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "test",
                "clusters": [{"name": "test", "cluster": {"server": address}}],
                "users": [{"name": "test", "user": {"token": "none"}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            }
        )
    )
    try:
        yield config
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
