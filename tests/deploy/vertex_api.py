"""Vertex AI's JobService on loopback: gRPC, its own messages, a scenario instead of machines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent import futures

import grpc
from google.cloud import aiplatform_v1
from google.protobuf import empty_pb2

_SERVICE = "google.cloud.aiplatform.v1.JobService"


class Jobs:
    """Holds one CustomJob, whose state moves on at each question; the last state stays."""

    def __init__(self, *states: str):
        self.states = list(states)
        self.created: aiplatform_v1.CreateCustomJobRequest | None = None
        self.asked: list[str] = []

    def create(self, request, _):
        self.asked.append("create")
        self.created = request
        return self._job("JOB_STATE_PENDING")

    def get(self, request, _):
        self.asked.append("get")
        return self._job(self.states[0] if len(self.states) == 1 else self.states.pop(0))

    def cancel(self, request, _):
        self.asked.append(f"cancel {request.name}")
        return empty_pb2.Empty()

    def _job(self, state: str):
        return aiplatform_v1.CustomJob(
            name="projects/p/locations/r/customJobs/7", state=state, error={"message": "no quota"}
        )


@contextlib.contextmanager
def serving(jobs: Jobs) -> Iterator[str]:
    """Serves `jobs`; yields host:port."""

    def handler(method, request, answer):
        return grpc.unary_unary_rpc_method_handler(method, request.deserialize, answer)

    job = aiplatform_v1.CustomJob.serialize
    handlers = {
        "CreateCustomJob": handler(jobs.create, aiplatform_v1.CreateCustomJobRequest, job),
        "GetCustomJob": handler(jobs.get, aiplatform_v1.GetCustomJobRequest, job),
        "CancelCustomJob": handler(
            jobs.cancel,
            aiplatform_v1.CancelCustomJobRequest,
            lambda message: message.SerializeToString(),
        ),
    }
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
