"""Models trained in a notebook, judged as a run's are: by TFMA, with the gate's own configuration."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import apache_beam as beam
import keras
import numpy as np
import pandas as pd
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions
from scipy.special import expit
from tfx_bsl.arrow import table_util

from components.constrained_trainer import history
from components.constrained_trainer.selection.snapshots import predict_scores
from components.constrained_trainer.training import TrainingResult
from components.fairness_metrics import gate as gates
from components.report import curves, gathering, sections
from components.report.curves import Scored
from components.report.data import ReportData, Scores
from fairgate.gate.attempts import Attempt
from fairgate.gate.config import GateConfig
from fairgate.gate.judgement import BASELINE, CONSTRAINED
from pipeline.inspect.examples import Examples
from pipeline.inspect.judged import Judged
from pipeline.inspect.quiet import unseen
from pipeline.inspect.shown import Charts
from pipeline.results import evaluation
from pipeline.results.report import shown_settings
from pipeline.settings import DataSettings, Settings

_LABEL = "label"


def judge(
    models: Mapping[str, keras.Model],
    examples: Examples,
    line: str,
    limit: float,
    name: str = "notebook",
) -> Judged:
    """Asks the gate about two models, on the test split.

    Nothing is kept in a ledger: the promise holds for the first model that is judged so, and for no
    other that was trained after looking.

    Args:
      models: `baseline` and `constrained`, networks whose score is positive for Yes.
      examples: whose test split it is.
      line: a constraint of the gate.
      limit: of the constraint.
      name: what the pair is called.
    """
    import tensorflow_model_analysis as tfma

    features = examples.features
    gate = GateConfig(constraints=(line,), limit=limit)
    scored = _scored(models, examples)
    config = gates.eval_config(gate, features.group_names, _LABEL)
    for spec in config.model_specs:
        # Predictions are there already: no model has to be asked.
        spec.signature_name = ""
        del spec.preprocessing_function_names[:]
        spec.prediction_key = spec.name
    settings = Settings(
        name=name,
        data=DataSettings(path=examples.folder, features=features),
        gate=gate,
    )
    with tempfile.TemporaryDirectory(prefix="fairgate-") as folder:
        with (
            unseen(),
            beam.Pipeline(options=PipelineOptions(list(settings.beam_arguments))) as pipeline,
        ):
            _ = (
                pipeline
                | beam.Create([_table(scored)])
                | tfma.ExtractEvaluateAndWriteResults(
                    eval_config=config,
                    extractors=_extractors(config),
                    output_path=folder,
                )
            )
        blessed = tfma.load_validation_result(folder).validation_ok
        verdict = evaluation.read_verdict(
            settings,
            run_id="in this notebook",
            evaluation=folder,
            blessed=blessed,
            pushed_model=None,
            attempt=Attempt(1, gate.attempts, gate.confidence_of_each, 1 - gate.confidence, ""),
            warnings=[],
        )
        indicators = gathering.indicators(folder)
    kind = " (synthetic)" if examples.synthetic else ""
    return Judged(
        ReportData(
            verdict=asdict(verdict) | {"data": os.path.basename(examples.folder) + kind},
            settings=shown_settings(settings),
            label=features.label.name,
            positive=features.label.predicted,
            indicators=indicators,
            scores=Scores(
                curves.group_curves(scored),
                curves.equal_thresholds(scored),
                curves.equal_overall(scored),
                [],
            ),
        )
    )


def training_charts(baseline: TrainingResult, constrained: TrainingResult) -> Charts:
    """Objective, error, violations and multipliers of two trainings, as a run's report draws them."""
    results = {BASELINE: baseline, CONSTRAINED: constrained}
    histories = {name: history.record(result) for name, result in results.items()}
    shown = sections.training(ReportData({}, "", "", "", histories=histories))
    assert shown is not None
    return Charts([chart for chart in shown["charts"] if chart], " ".join(shown["words"]))


def _scored(models: Mapping[str, keras.Model], examples: Examples) -> Scored:
    test, names = examples.test, examples.features.group_names
    members = {
        feature: np.stack([examples.member(test, name) for name in of], axis=1)
        for feature, of in names.items()
    }
    return Scored(
        test.labels > 0.5,
        {feature: np.array(names[feature])[of.argmax(axis=1)] for feature, of in members.items()},
        names,
        {name: expit(predict_scores(model, test).astype(float)) for name, model in models.items()},
    )


def _table(scored: Scored) -> pa.RecordBatch:
    """Label, groups and probabilities, as TFMA reads them."""
    table = pd.DataFrame({model: p.astype(np.float32) for model, p in scored.scores.items()})
    table[_LABEL] = scored.positive.astype(np.float32)
    for feature, names in scored.groups.items():
        table[feature] = names
    return table_util.CanonicalizeRecordBatch(pa.RecordBatch.from_pandas(table))


def _extractors(config: Any) -> list[Any]:
    """TFMA's own; groups are put among what each model says, where the gate's metrics look."""
    import tensorflow_model_analysis as tfma
    from tensorflow_model_analysis import constants

    models = [spec.name for spec in config.model_specs]

    def give(extracts: dict[str, Any]) -> dict[str, Any]:
        features = extracts[constants.FEATURES_KEY]
        return extracts | {
            constants.TRANSFORMED_FEATURES_KEY: {model: features for model in models}
        }

    first, *others = tfma.default_extractors(eval_config=config)
    groups = tfma.extractors.Extractor(stage_name="GiveGroups", ptransform=beam.Map(give))
    return [first, groups, *others]
