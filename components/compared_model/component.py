"""ComparedModel: a TFX component that takes a model from outside the run, to hold another against."""

from __future__ import annotations

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.compared_model import executor
from components.features import Features
from components.fingerprint import code_fingerprint


class ComparedModelSpec(ComponentSpec):
    """Interface of ComparedModel."""

    PARAMETERS: ClassVar = {
        "folder": ExecutionParameter(type=str),
        "digest": ExecutionParameter(type=str),
        "features": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {"examples": ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS: ClassVar = {"model": ChannelParameter(type=standard_artifacts.Model)}


class ComparedModel(base_component.BaseComponent):
    """Copies a SavedModel among the artifacts of the run, once it has answered examples of its data.

    A copy, because what is served may be replaced while the run goes on.
    """

    SPEC_CLASS = ComparedModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, examples: types.BaseChannel, folder: str, digest: str, features: Features):
        """Args:
        examples: raw examples, with a `validation` split.
        folder: of a SavedModel that this pipeline has pushed, or one with the same signatures.
        digest: `evaluator.digests.files_digest` of it, so that another model is never the one of before.
        features: what label and groups mean.
        """
        super().__init__(
            ComparedModelSpec(
                examples=examples,
                folder=folder,
                digest=digest,
                features=features.model_dump_json(),
                code=code_fingerprint("components.compared_model"),
                model=types.Channel(type=standard_artifacts.Model),
            )
        )
