"""ConstrainedTrainer: a TFX component that trains a network under rate constraints."""

from __future__ import annotations

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import standard_artifacts, system_executions
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.constrained_trainer import executor
from components.constrained_trainer.config import GateTarget, TrainingConfig
from components.constrained_trainer.launchers.command import WORKERS
from components.constrained_trainer.launchers.config import Job
from components.features import Features
from components.fingerprint import code_fingerprint
from fairgate.errors import SettingsError


class ConstrainedTrainerSpec(ComponentSpec):
    """Interface of ConstrainedTrainer; all parameters but `code` are dumped settings objects."""

    PARAMETERS: ClassVar = {
        "config": ExecutionParameter(type=str),
        "features": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
        "gate": ExecutionParameter(type=str, optional=True),
        "served": ExecutionParameter(type=str, optional=True),
        WORKERS: ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
        "base_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "blessed_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS: ClassVar = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
    }
    TYPE_ANNOTATION = system_executions.Train


class ConstrainedTrainer(base_component.BaseComponent):
    """Trains on the `train` split, chooses a snapshot on the `validation` split.

    Outputs: `model`, a SavedModel that serves raw examples, and its weights for warm starts;
    `model_run`, TensorBoard logs and `history.json` with every snapshot's objective, violations and
    multipliers, and how they moved. A training that was stopped goes on from its last checkpoint.
    """

    SPEC_CLASS = ConstrainedTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        config: TrainingConfig,
        features: Features,
        base_model: types.BaseChannel | None = None,
        blessed_model: types.BaseChannel | None = None,
        statistics: types.BaseChannel | None = None,
        gate: GateTarget | None = None,
        served: str | None = None,
    ):
        """Args:
        examples: transformed examples with splits `train` and `validation`.
        transform_graph: Transform's graph, exported inside the served model.
        config: how to train.
        features: what the columns mean.
        base_model: a model of this component to start from.
        blessed_model: another, which is preferred where it resolves to one.
        statistics: of the split `test`, by group and label: how many examples the gate will have.
        gate: what it will ask; with `statistics`, for snapshots that are rated by it.
        served: folder of the version to start from with `warm_start: served`; or of all versions, the
          newest of which is looked up when the component runs.

        Raises:
          SettingsError: one of `statistics` and `gate` is given without the other.
        """
        if (statistics is None) != (gate is None):
            raise SettingsError(
                "statistics and gate belong together: a gate is predicted from its limits and from how "
                "many examples it has; give both or none"
            )
        super().__init__(
            ConstrainedTrainerSpec(
                examples=examples,
                transform_graph=transform_graph,
                base_model=base_model,
                blessed_model=blessed_model,
                statistics=statistics,
                gate=gate.model_dump_json() if gate else None,
                served=served,
                config=config.model_dump_json(),
                features=features.model_dump_json(),
                code=fingerprint(config),
                model=types.Channel(type=standard_artifacts.Model),
                model_run=types.Channel(type=standard_artifacts.ModelRun),
            )
        )

    def in_job(self, executor: type[base_executor.BaseExecutor], job: Job) -> ConstrainedTrainer:
        """Makes `executor`, one of `launchers`, start `job` and train there; returns itself."""
        self.executor_spec = executor_spec.ExecutorClassSpec(executor)
        self.spec.exec_properties[WORKERS] = job.model_dump_json()
        return self


def fingerprint(config: TrainingConfig) -> str:
    """A hash of the code that a training depends on, see `code_fingerprint`.

    Raises:
      SettingsError: the module of the network cannot be imported.
    """
    return code_fingerprint(
        "components.constrained_trainer",
        "fairgate.bounds",
        "fairgate.constraints",
        "fairgate.gate.prediction",
        "fairgate.optimization",
        "components.pictures",
        "components.transform",
        "components.columns",
        "components.features",
        "fairgate.data.groups",
        "fairgate.data.membership",
        "components.group_sizes",
        *_own_network(config.network),
    )


def _own_network(network: str) -> list[str]:
    """The module of a network given as `module:function`: its code counts too."""
    module, colon, _ = network.partition(":")
    if not colon:
        return []
    try:
        code_fingerprint(module)
    except ImportError as error:
        raise SettingsError(
            f"trainer.network = {network!r}: {error}. Name a module that Python can import from the "
            "folder that the pipeline is started in"
        ) from None
    return [module]
