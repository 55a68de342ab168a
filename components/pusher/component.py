"""Pusher that knows what a blessing was given for."""

from __future__ import annotations

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from components.pusher import executor
from components.pusher.endpoint import ENDPOINT, Endpoint


class PusherSpec(standard_component_specs.PusherSpec):
    """The standard interface, and what a blessing is compared with."""

    PARAMETERS: ClassVar = {
        **standard_component_specs.PusherSpec.PARAMETERS,
        "gate": ExecutionParameter(type=str),
        ENDPOINT: ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar = {
        **standard_component_specs.PusherSpec.INPUTS,
        "examples": ChannelParameter(type=standard_artifacts.Examples),
    }


class Pusher(base_component.BaseComponent):
    """Pushes a model that was blessed, on this run's test split, by this run's gate; or nothing."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        examples: types.BaseChannel,
        gate: str,
        push_destination: pusher_pb2.PushDestination,
    ):
        """Args:
        model: what to push.
        model_blessing: of `components.evaluator`.
        examples: raw examples, for the digest of their test split.
        gate: `evaluator.stamp.gate_digest` of the gate's configuration.
        push_destination: folder that a model server watches.
        """
        super().__init__(
            PusherSpec(
                model=model,
                model_blessing=model_blessing,
                examples=examples,
                gate=gate,
                push_destination=push_destination,
                custom_config=json_utils.dumps(None),
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )

    def to_endpoint(self, executor: type[base_executor.BaseExecutor], endpoint: Endpoint) -> Pusher:
        """Makes `executor`, which is `vertex.Executor`, deploy to `endpoint` too; returns itself."""
        self.executor_spec = executor_spec.ExecutorClassSpec(executor)
        self.spec.exec_properties[ENDPOINT] = endpoint.model_dump_json()
        return self
