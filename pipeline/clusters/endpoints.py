"""Pusher that deploys to a Vertex AI endpoint: what `deploy.vertex.endpoint` asks for."""

from __future__ import annotations

from tfx.orchestration import pipeline

from components.pusher.component import Pusher
from components.pusher.endpoint import Endpoint
from pipeline.settings import Settings


def push_to_endpoint(built: pipeline.Pipeline, settings: Settings) -> None:
    """Makes the Pusher of `built` deploy what it pushes, where `deploy.vertex.endpoint` is set."""
    if settings.deploy.vertex.endpoint is None:
        return
    from components.pusher import vertex

    for node in built.components:
        if isinstance(node, Pusher):
            node.to_endpoint(vertex.Executor, vertex_endpoint(settings))


def vertex_endpoint(settings: Settings) -> Endpoint:
    """The endpoint that `settings` name; `requirements.require` has seen that it can be used."""
    cloud = settings.deploy.vertex
    assert cloud.endpoint is not None and cloud.project is not None and cloud.region is not None
    return Endpoint(
        **cloud.endpoint.model_dump(),
        project=cloud.project,
        region=cloud.region,
        model=settings.model_name,
        service_account=cloud.service_account,
        labels=cloud.labels,
    )
