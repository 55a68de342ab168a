"""Pusher that knows what a blessing was given for."""

from __future__ import annotations

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from components.pusher import executor


class PusherSpec(standard_component_specs.PusherSpec):
    """The standard interface, and what a blessing is compared with."""

    PARAMETERS: ClassVar = {
        **standard_component_specs.PusherSpec.PARAMETERS,
        "gate": ExecutionParameter(type=str),
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
