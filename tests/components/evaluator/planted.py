"""A test split and a model whose answers are planted in it, for the real Evaluator."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import json_utils, proto_utils

from components.evaluator.component import Evaluator
from components.evaluator.executor import Executor
from components.fairness_metrics import gate
from components.features import SLICES_LABEL, SLICES_UNIT, SLICES_WEIGHT
from fairgate.constraints.rates import Counts, Group
from pipeline.dag import NOTHING_PACKED
from pipeline.settings import Settings, load
from tests.tiny_dataset import record, write_shard

RAW = {"Red": "r", "Blue": "b"}
GAP = "max_gap(FPR, [Team])"


@dataclass(frozen=True)
class Planted:
    """Outcomes of each group; `names` are the raw values that the settings call by those names."""

    outcomes: Mapping[str, Counts]
    names: Mapping[str, str] = field(default_factory=lambda: dict(RAW))
    each: int = 1
    """Examples of one person, one after the other."""
    weights: tuple[float, ...] = (1.0,)
    """What records count, in turn."""

    @property
    def counts(self) -> dict[Group | None, Counts]:
        """What the gate should count."""
        total = sum(self.outcomes.values(), Counts(0, 0, 0, 0))
        return {None: total} | {Group("Team", name): c for name, c in self.outcomes.items()}

    def records(self, whose: str = "p") -> list[bytes]:
        """A record for each outcome; `whose` begins the names of people, who share no records else."""
        rows = []
        for group, counts in self.outcomes.items():
            for number, label, answer in (
                (counts.tp, 1, 0.9),
                (counts.fp, 0, 0.8),
                (counts.tn, 0, 0.2),
                (counts.fn, 1, 0.1),
            ):
                rows += [{"p": answer, "label": label, "team": RAW[group]}] * number
        return [
            record(row | {"person": f"{whose}{place // self.each}", "weight": float(weight)})
            for place, (row, weight) in enumerate(zip(rows, itertools.cycle(self.weights)))
        ]

    def settings(self, *assignments: str) -> Settings:
        """Settings of a gate on these groups that asks for little but its constraints."""
        groups = f"{{Team: {{name: team, values: {dict(self.names)}}}}}"
        return load(
            [],
            [
                f"data.features.groups={groups}",
                "data.features.label.name=label",
                "trainer.constraints=[]",
                f"gate.constraints=['{GAP} <= 0.3']",
                "gate.minimum_accuracy=0",
                "gate.minimum_negatives=1",
                *assignments,
            ],
        )


class Model(tf.Module):
    """Answers what the record says; its one weight makes it another model, and nothing else.

    Args:
      weight: any number.
      names: of the groups -> raw values.
      column: of the answers.
    """

    def __init__(self, weight: float, names: Mapping[str, str], column: str = "p"):
        super().__init__()
        self.weight = tf.Variable(weight)
        self._names = dict(names)
        self._column = column

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serving_default(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """The planted answers."""
        one = tf.io.FixedLenFeature([], tf.float32)
        answers = tf.io.parse_example(examples, {self._column: one})[self._column]
        return {"probability": answers[:, tf.newaxis] + 0.0 * self.weight}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def slices(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Label and group, by name, whose record it is, and what it counts."""
        columns = {
            "label": tf.io.FixedLenFeature([], tf.int64),
            "team": tf.io.FixedLenFeature([], tf.string),
            "person": tf.io.FixedLenFeature([], tf.string),
            "weight": tf.io.FixedLenFeature([], tf.float32),
        }
        parsed = tf.io.parse_example(examples, columns)
        first, second = self._names
        team = tf.where(parsed["team"] == self._names[first], first, second)
        label = tf.cast(parsed["label"], tf.float32)
        return {
            SLICES_LABEL: label,
            "Team": team,
            SLICES_UNIT: parsed["person"],
            SLICES_WEIGHT: parsed["weight"],
        }


def model(folder: Path, weight: float = 1.0, names: Mapping[str, str] = RAW, column: str = "p"):
    """A Model artifact."""
    module = Model(weight, names, column)
    tf.saved_model.save(
        module,
        str(folder / "Format-Serving"),
        signatures={"serving_default": module.serving_default, "slices": module.slices},
    )
    artifact = standard_artifacts.Model()
    artifact.uri = str(folder)
    return artifact


def examples(folder: Path, planted: Planted, digest: str):
    """An Examples artifact with a test split."""
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(["test"])
    artifact.set_string_custom_property("test_digest", digest)
    examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
    write_shard(folder / "Split-test" / "part-00000", planted.records(digest[:1]))
    return artifact


@dataclass
class Judgement:
    """What the Evaluator left."""

    blessing: standard_artifacts.ModelBlessing
    evaluation: standard_artifacts.ModelEvaluation

    @property
    def blessed(self) -> bool:
        """The decision."""
        return self.blessing.get_int_custom_property("blessed") == 1


def gate_of(settings: Settings):
    """The whole gate, with what is for display."""
    features = settings.data.features
    return gate.eval_config(
        settings.gate,
        features.group_names,
        SLICES_LABEL,
        gate.units_of(features, settings.gate),
    )


def judge(
    folder: Path,
    data,
    candidate,
    settings: Settings,
    ledger: Path,
    run: str = "run-1",
    beside=None,
) -> Judgement:
    """Runs the executor of the Evaluator, as TFX does; the candidate is its own baseline without one."""
    features = settings.data.features
    config = gate_of(settings)
    component = Evaluator(
        examples=types.Channel(type=standard_artifacts.Examples),
        example_splits=["test"],
        model=types.Channel(type=standard_artifacts.Model),
        baseline_model=types.Channel(type=standard_artifacts.Model),
        eval_config=config,
        ledger=str(ledger),
        confidence=settings.gate.confidence,
        attempts=settings.gate.attempts,
        features=features,
    )
    properties = {
        key: proto_utils.proto_to_json(value) if hasattr(value, "DESCRIPTOR") else value
        for key, value in component.exec_properties.items()
    }
    assert json_utils.loads(properties["example_splits"]) == ["test"]
    result = Judgement(standard_artifacts.ModelBlessing(), standard_artifacts.ModelEvaluation())
    for name in ("blessing", "evaluation"):
        path = folder / name
        path.mkdir(parents=True)
        getattr(result, name).uri = str(path)
    context = BaseBeamExecutor.Context(
        beam_pipeline_args=[*settings.beam_arguments, NOTHING_PACKED],
        pipeline_run_id=run,
        unique_id="1",
    )
    Executor(context).Do(
        {"examples": [data], "model": [candidate], "baseline_model": [beside or candidate]},
        {"blessing": [result.blessing], "evaluation": [result.evaluation]},
        properties,
    )
    return result


def verdict(settings: Settings, judgement: Judgement) -> SimpleNamespace:
    """The verdict that a run would tell of it."""
    from components.evaluator.stamp import read_attempt
    from pipeline.results.evaluation import read_verdict

    return read_verdict(
        settings,
        "run-1",
        judgement.evaluation.uri,
        judgement.blessed,
        "serving/x/1" if judgement.blessed else None,
        read_attempt(judgement.blessing),
        [],
    )
