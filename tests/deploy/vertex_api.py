"""Vertex AI on loopback: gRPC, its own messages, a scenario instead of machines."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from typing import Any

import grpc
from google.cloud import aiplatform_v1 as v1
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2

# Method -> (what answers it, the class of its request).
Methods = Mapping[str, tuple[Callable[[Any, grpc.ServicerContext], Any], type]]


@contextlib.contextmanager
def listening(services: Mapping[str, Methods]) -> Iterator[str]:
    """Serves `services` of google.cloud.aiplatform.v1, and others by whole names; yields host:port."""

    def handler(answer: Callable, request: type) -> grpc.RpcMethodHandler:
        # Google's newer classes wrap protobuf's own.
        parse = getattr(request, "deserialize", None) or request.FromString
        return grpc.unary_unary_rpc_method_handler(answer, parse, _bytes)

    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        tuple(
            grpc.method_handlers_generic_handler(
                name if "." in name else f"google.cloud.aiplatform.v1.{name}",
                {method: handler(*how) for method, how in methods.items()},
            )
            for name, methods in services.items()
        )
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _bytes(message: Any) -> bytes:
    return getattr(type(message), "pb", lambda m: m)(message).SerializeToString()


class Jobs:
    """Holds one CustomJob, whose state moves on at each question; the last state stays."""

    def __init__(self, *states: str):
        self.states = list(states)
        self.created: v1.CreateCustomJobRequest | None = None
        self.asked: list[str] = []

    def services(self) -> dict[str, Methods]:
        """What `listening` takes."""
        return {
            "JobService": {
                "CreateCustomJob": (self.create, v1.CreateCustomJobRequest),
                "GetCustomJob": (self.get, v1.GetCustomJobRequest),
                "CancelCustomJob": (self.cancel, v1.CancelCustomJobRequest),
            }
        }

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
        return v1.CustomJob(
            name="projects/p/locations/r/customJobs/7", state=state, error={"message": "no quota"}
        )


class Serving:
    """The model registry and the endpoints of one project; `refuse` is a method that fails."""

    def __init__(self, refuse: str = "", slow: bool = False):
        self.refuse, self._slow = refuse, slow
        self.asked: list[str] = []
        self.versions: dict[str, list[v1.Model]] = {}
        self.endpoints: dict[str, v1.Endpoint] = {}
        self.deployments: list[v1.DeployModelRequest] = []
        self._operations: list[operations_pb2.Operation] = []

    def services(self) -> dict[str, Methods]:
        """What `listening` takes."""
        return {
            "ModelService": {
                "ListModelVersions": (self.list_versions, v1.ListModelVersionsRequest),
                "UploadModel": (self.upload, v1.UploadModelRequest),
            },
            "EndpointService": {
                "GetEndpoint": (self.get_endpoint, v1.GetEndpointRequest),
                "CreateEndpoint": (self.create_endpoint, v1.CreateEndpointRequest),
                "DeployModel": (self.deploy, v1.DeployModelRequest),
                "UndeployModel": (self.undeploy, v1.UndeployModelRequest),
            },
            "google.longrunning.Operations": {
                "GetOperation": (self.operation, operations_pb2.GetOperationRequest)
            },
        }

    def list_versions(self, request, context):
        self._note("list", context)
        if request.name not in self.versions:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no {request.name}")
        return v1.ListModelVersionsResponse(models=self.versions[request.name])

    def upload(self, request, context):
        self._note("upload", context)
        name = request.parent_model or f"{request.parent}/models/{request.model_id}"
        assert bool(request.parent_model) == (name in self.versions), (
            "there is one already, or none"
        )
        of_model = self.versions.setdefault(name, [])
        model = v1.Model(request.model)
        model.name, model.version_id = name, str(len(of_model) + 1)
        of_model.append(model)
        answer = v1.UploadModelResponse(model=name, model_version_id=model.version_id)
        return self._later(answer)

    def get_endpoint(self, request, context):
        self._note("get", context)
        if request.name not in self.endpoints:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no {request.name}")
        return self.endpoints[request.name]

    def create_endpoint(self, request, context):
        self._note("make", context)
        made = v1.Endpoint(request.endpoint)
        made.name = f"{request.parent}/endpoints/{request.endpoint_id}"
        self.endpoints[made.name] = made
        return self._later(made)

    def deploy(self, request, context):
        self._note("deploy", context)
        self.deployments.append(request)
        endpoint = self.endpoints[request.endpoint]
        number = len(self.deployments)
        name, _, version = request.deployed_model.model.partition("@")
        deployed = v1.DeployedModel(request.deployed_model)
        deployed.id, deployed.model_version_id = str(100 + number), version
        deployed.model = name.replace("projects/p/", "projects/123456/")  # as Vertex does
        deployed.create_time = datetime.datetime.fromtimestamp(number, datetime.UTC)
        endpoint.deployed_models.append(deployed)
        endpoint.traffic_split = {
            deployed.id if key == "0" else key: share
            for key, share in request.traffic_split.items()
        }
        return self._later(v1.DeployModelResponse(deployed_model=deployed))

    def undeploy(self, request, context):
        self._note("undeploy", context)
        endpoint = self.endpoints[request.endpoint]
        assert not endpoint.traffic_split.get(request.deployed_model_id), "it gets requests"
        endpoint.deployed_models = [
            deployed
            for deployed in endpoint.deployed_models
            if deployed.id != request.deployed_model_id
        ]
        return self._later(v1.UndeployModelResponse())

    def operation(self, request, context):
        self._note("wait", context)
        return self._operations[int(request.name.rsplit("/", 1)[-1])]

    def _note(self, method: str, context: grpc.ServicerContext) -> None:
        self.asked.append(method)
        if method == self.refuse:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "aiplatform.models.upload denied")

    def _later(self, answer: Any) -> operations_pb2.Operation:
        """The operation that leads to `answer`: done at once, or (slow) when it is asked about."""
        name = f"projects/p/locations/r/operations/{len(self._operations)}"
        done = operations_pb2.Operation(name=name, done=True)
        done.response.Pack(type(answer).pb(answer))
        self._operations.append(done)
        return operations_pb2.Operation(name=name) if self._slow else done
