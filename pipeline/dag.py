"""The pipeline: what runs, in which order."""

from __future__ import annotations

import os
from typing import Any

import tensorflow_data_validation as tfdv
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.orchestration import pipeline
from tfx.proto import pusher_pb2, transform_pb2
from tfx.types import standard_artifacts
from tfx_bsl.public.proto import slicing_spec_pb2

from components.compared_model.component import ComparedModel
from components.constrained_trainer.component import ConstrainedTrainer
from components.constrained_trainer.config import GateTarget, TrainingConfig
from components.evaluator import digests
from components.evaluator.component import Evaluator
from components.evaluator.stamp import gate_digest
from components.example_gen.component import ImportExampleGen
from components.example_validator.component import ExampleValidator
from components.fairness_metrics import gate
from components.features import SLICES_LABEL, Features
from components.fingerprint import code_fingerprint
from components.pusher import versions
from components.pusher.component import Pusher
from components.report.component import Report
from components.schema_gen.component import ImportSchemaGen
from components.statistics_gen.component import StatisticsGen
from components.transform import preprocessing
from components.transform.component import Transform
from fairgate.gate import checks
from pipeline import compared, places
from pipeline.results import report as reports
from pipeline.settings import Settings

BASELINE = "ConstrainedTrainer.baseline"
CONSTRAINED = "ConstrainedTrainer.constrained"
RESOLVER = "LatestBlessedModel"

# Workers run this environment or this image, where all is that they need. Unless Beam is told what they
# run, TFX packs itself up for them anew for each component (4 seconds, and 52 MB of temporary files that
# nobody removes), which a worker would then try to install with a pip that the image does not have.
NOTHING_PACKED = "--sdk_container_image=none"
_SAYS_WHAT_WORKERS_RUN = (
    "--sdk_container_image",
    "--worker_harness_container_image",
    "--extra_package",
    "--setup_file",
    "--requirements_file",
)


def create_pipeline(settings: Settings, here: bool = True) -> pipeline.Pipeline:
    """The TFX pipeline of `settings`; nothing runs yet.

    Args:
      settings: what runs.
      here: whether it runs on this machine, at once: what is served is looked up now then, and not
        when it is needed, so that the cache knows it.
    """
    features = settings.data.features

    example_gen = ImportExampleGen(
        input_base=places.plain(settings.data.folder),
        patterns=settings.data.splits.patterns(),
        features=features,
    )
    schema_gen = ImportSchemaGen(schema_file=settings.data.contract)
    statistics_gen = StatisticsGen(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        stats_options=_statistics_options(features),
    )
    example_validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )
    transform = Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="components.transform.preprocessing.preprocessing_fn",
        custom_config={
            # As text: TFX sorts the keys of a mapping, but the order of the groups is their index.
            "features": features.model_dump_json(),
            "code": code_fingerprint(
                "components.transform",
                "components.checksums",
                "components.columns",
                "components.features",
                "components.pictures",
                "components.record_batches",
                "components.tfrecords",
                "fairgate.data.groups",
                "fairgate.data.membership",
            ),
        },
        splits_config=_training_splits(features),
        disable_statistics=True,
    )
    transform.add_upstream_node(example_validator)

    def trainer(config: TrainingConfig, **start: Any) -> ConstrainedTrainer:
        return ConstrainedTrainer(
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            config=config,
            features=features,
            **start,
        )

    baseline = trainer(settings.trainer.unconstrained).with_id(BASELINE)
    resolvers = []
    # Also where nothing starts from it: one more model to choose from.
    start: dict[str, Any] = {"base_model": baseline.outputs["model"]}
    if settings.trainer.warm_start == "blessed":
        resolvers.append(_latest_blessed_model())
        start["blessed_model"] = resolvers[0].outputs["model"]
    if settings.trainer.warm_start == "served":
        folder = os.path.join(settings.serving, settings.model_name)
        there = versions.every(folder) if here else []
        start["served"] = there[-1].folder if there else folder
    if settings.trainer.selection.rated_by == "gate":
        start["statistics"] = statistics_gen.outputs["statistics"]
        start["gate"] = gate_target(settings)
    constrained = trainer(settings.trainer, **start).with_id(CONSTRAINED)
    eval_config = gate.eval_config(
        settings.gate,
        features.vocabulary,
        SLICES_LABEL,
        gate.units_of(features, settings.gate),
    )
    beside = baseline.outputs["model"]
    others = []
    if settings.gate.compare_with != compared.BASELINE:
        others.append(_compared_model(settings, example_gen.outputs["examples"]))
        beside = others[0].outputs["model"]
    evaluator = Evaluator(
        examples=example_gen.outputs["examples"],
        example_splits=["test"],
        model=constrained.outputs["model"],
        baseline_model=beside,
        eval_config=eval_config,
        ledger=ledger_folder(settings),
        confidence=settings.gate.confidence,
        attempts=settings.gate.attempts,
        features=features,
    )
    pusher = Pusher(
        model=constrained.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        examples=example_gen.outputs["examples"],
        gate=gate_digest(eval_config),
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(
                base_directory=os.path.join(settings.serving, settings.model_name)
            )
        ),
    )
    report = Report(
        examples=example_gen.outputs["examples"],
        statistics=statistics_gen.outputs["statistics"],
        model=constrained.outputs["model"],
        model_run=constrained.outputs["model_run"],
        baseline_model=beside,
        baseline_run=baseline.outputs["model_run"],
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        features=features,
        settings=reports.shown_settings(settings),
        verdict=reports.READ_VERDICT,
        card=reports.dataset_card(settings),
    )
    # No model goes out without its report and its model card.
    pusher.add_upstream_node(report)
    components = [
        example_gen,
        schema_gen,
        statistics_gen,
        example_validator,
        *others,  # what cannot be compared with is told before anything is trained
        transform,
        baseline,
        *resolvers,
        constrained,
        evaluator,
        report,
        pusher,
    ]
    for component in components:
        if isinstance(component.executor_spec, executor_spec.BeamExecutorSpec):
            component.with_beam_pipeline_args(_beam_arguments(component.id, settings))
    return pipeline.Pipeline(
        pipeline_name=settings.name,
        pipeline_root=_artifacts_folder(settings),
        components=components,
        enable_cache=settings.cache,
        metadata_connection_config=_metadata(metadata_path(settings)),
        beam_pipeline_args=list(settings.beam_arguments),
    )


def _beam_arguments(component: str, settings: Settings) -> list[str]:
    """What this component's Beam pipeline is told after `settings.beam_arguments`."""
    own = list(settings.component_beam_arguments.get(component, ()))
    if not any(
        text.startswith(_SAYS_WHAT_WORKERS_RUN) for text in (*settings.beam_arguments, *own)
    ):
        own.append(NOTHING_PACKED)
    return own


def ledger_folder(settings: Settings) -> str:
    """Where the gate counts its attempts: one for all pipelines, whatever they are called."""
    return settings.ledger or os.path.join(settings.runs, "ledger")


def _artifacts_folder(settings: Settings) -> str:
    """Where the nodes write; clusters have a pipeline root in its place."""
    if settings.artifacts is not None:
        return os.path.join(places.plain(settings.artifacts), settings.name)
    return os.path.join(places.plain(settings.runs), settings.name, "artifacts")


def metadata_path(settings: Settings) -> str:
    """Where ML Metadata keeps what it knows of the pipeline's runs on this machine."""
    return os.path.join(settings.runs, settings.name, "metadata.sqlite")


def _metadata(file: str) -> metadata_store_pb2.ConnectionConfig:
    """SQLite in `file`, whose folder TFX's own helper would make at once, wherever it is."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = file
    config.sqlite.connection_mode = (
        metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    )
    return config


def gate_target(settings: Settings) -> GateTarget:
    """What the gate will ask, as the trainer needs to know it to choose by it."""
    asked = checks.checks(settings.gate, settings.data.features.vocabulary)
    return GateTarget(
        constraints=tuple(str(check.constraint) for check in asked),
        confidence=settings.gate.confidence_of_each,
        minimum_accuracy=settings.gate.minimum_accuracy,
        units=settings.gate.units,
    )


def _compared_model(settings: Settings, examples: types.BaseChannel) -> ComparedModel:
    """The model from outside that the candidate is held against."""
    folder = compared.resolved(settings).gate.compare_with
    return ComparedModel(
        examples=examples,
        folder=os.path.abspath(folder),
        digest=digests.files_digest(folder),
        features=settings.data.features,
    )


def _latest_blessed_model() -> Resolver:
    """The newest model of this pipeline that passed the gate; none in the first run."""
    return Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=types.Channel(type=standard_artifacts.Model),
        model_blessing=types.Channel(type=standard_artifacts.ModelBlessing),
    ).with_id(RESOLVER)


def _statistics_options(features: Features) -> tfdv.StatsOptions:
    """Statistics of everybody, and of each group (and label) that is one value as it stands."""
    plain = [group.name for group in features.groups.values() if group.plain]
    keys = [[name] for name in plain]
    if features.label.is_plain:
        keys += [[name, features.label.name] for name in plain]
    config = slicing_spec_pb2.SlicingConfig(
        slicing_specs=[
            slicing_spec_pb2.SlicingSpec(),
            *(slicing_spec_pb2.SlicingSpec(feature_keys=each) for each in keys),
        ]
    )
    # Counting every value of every text exactly is a step of Beam's own for each column and slice, and
    # keeps them all; sketches are exact up to 1,024 different values of a column.
    return tfdv.StatsOptions(slicing_config=config, use_sketch_based_topk_uniques=True)


def _training_splits(features: Features) -> transform_pb2.SplitsConfig:
    """Transform sees the splits that training uses; the test split is left to the gate.

    Of pictures alone nothing is to be known before they are transformed. What TFX is told to analyze it
    reads all the same: then the smaller of the two.
    """
    analyzed = "train" if preprocessing.learns(features) else "validation"
    return transform_pb2.SplitsConfig(analyze=[analyzed], transform=["train", "validation"])
