"""Reads the artifacts of a run into `ReportData`."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import yaml
from tensorflow_metadata.proto.v0 import statistics_pb2

import fairgate
from components import folders, group_sizes
from components.evaluator import scores as scores_kept
from components.features import Features
from components.fingerprint import code_fingerprint
from components.report import asking, validating
from components.report.curves import shown_name
from components.report.data import TEST, VALIDATION, GroupSize, ReportData, Scores
from fairgate.gate import words
from fairgate.gate.config import GateConfig
from fairgate.gate.judgement import CONSTRAINED, MODELS

LIBRARIES = (
    "tensorflow",
    "keras",
    "tfx",
    "tensorflow-model-analysis",
    "tensorflow-data-validation",
    "fairness-indicators",
    "apache-beam",
    "numpy",
    "scipy",
)
_SHOWN_METRICS = ("fairness_indicators_metrics/", "example_count")


def trained(
    verdict: dict[str, Any],
    settings: str,
    features: Features,
    card: str,
    trainings: Mapping[str, str],
    statistics: str,
    splits: Mapping[str, str],
) -> ReportData:
    """What is known when the models are trained, whether or not the gate has asked the test split.

    Args:
      verdict: as in verdict.json.
      settings: of the run, as YAML.
      features: what the columns mean.
      card: Markdown about the dataset.
      trainings: model -> folder of its ModelRun.
      statistics: folder of StatisticsGen's.
      splits: name -> folder of its raw examples.
    """
    return ReportData(
        verdict=verdict,
        settings=settings,
        label=features.label.name,
        positive=features.label.predicted,
        card=card,
        histories={model: history(folder) for model, folder in trainings.items()},
        sizes=sizes(statistics, list(splits), features),
        facets={"train": facets(statistics, "train", features)},
        versions=versions(splits, settings, code_fingerprint("components", "fairgate")),
    )


def history(folder: str) -> dict[str, Any]:
    """history.json of a ModelRun; empty where it has none."""
    file = os.path.join(folder, "history.json")
    if not tf.io.gfile.exists(file):
        return {}
    with tf.io.gfile.GFile(file) as opened:
        return json.loads(opened.read())


def figures(
    verdict: dict[str, Any],
    settings: str,
    evaluation: str,
    folders: Mapping[str, str],
    models: Mapping[str, str],
    features: Features,
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]], Scores | None]:
    """(verdict, indicators, scores): all figures of a report, from the one split that may be shown.

    While the verdict is sealed that is the validation split, whose judgement is put into it; the
    Evaluator's results are then left alone. Where the label has several classes, the verdict has all that
    is shown: indicators and curves are of one score.

    Args:
      verdict: as in verdict.json.
      settings: of the run, as YAML.
      evaluation: folder of the Evaluator's results.
      folders: split -> folder of its raw examples.
      models: name -> folder of the SavedModel.
      features: what the columns mean.
    """
    if features.label.classes:
        return verdict, {}, None
    if not words.is_sealed(verdict):
        kept = scores_kept.read(evaluation)
        scored = asking.score(folders[TEST], models, features, kept)
        scores = asking.shown(folders[TEST], TEST, scored, features)
        return verdict, indicators(evaluation), scores
    scored = asking.score(folders[VALIDATION], models, features)
    gate = GateConfig.model_validate(yaml.safe_load(settings)["gate"])
    judged = validating.judgement(
        gate, verdict["attempt"]["confidence"], scored, verdict["models"][CONSTRAINED]
    )
    scores = asking.shown(folders[VALIDATION], VALIDATION, scored, features)
    known = verdict.get("validation") or {"told": [], "yardsticks": []}
    known = known | {"judgement": judged.as_document()}
    return verdict | {"validation": known}, {}, scores


def indicators(evaluation: str) -> dict[str, list[dict[str, Any]]]:
    """Model -> what the Fairness Indicators element shows: one entry per slice."""
    import tensorflow_model_analysis as tfma

    return {
        model: [
            _entry(key, outputs)
            for key, outputs in tfma.load_eval_result(evaluation, model_name=model).slicing_metrics
        ]
        for model in MODELS
    }


def _entry(key: Sequence[tuple[str, str]], outputs: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        name: {
            kind: number if number == number else "NaN"  # the element reads both
            for kind, number in value.items()
            if kind == "doubleValue"
        }
        for name, value in outputs[""][""].items()
        if name.startswith(_SHOWN_METRICS)
    }
    return {
        "sliceValue": ", ".join(str(value) for _, value in key) or "Overall",
        "slice": ", ".join(f"{feature}:{value}" for feature, value in key) or "Overall",
        "metrics": shown,
    }


def sizes(statistics: str, splits: Sequence[str], features: Features) -> list[GroupSize]:
    """Examples of every group and label in every split."""
    if classes := list(features.label.classes):
        return [
            GroupSize(
                split,
                shown_name(group.feature, group.name, features.group_names),
                classes={name: int(n) for name, n in zip(classes, by_label, strict=True)},
            )
            for split in splits
            for group, by_label in group_sizes.by_label(statistics, split, features).items()
            if group is not None
        ]
    return [
        GroupSize(
            split,
            shown_name(group.feature, group.name, features.group_names),
            int(size.negatives),
            int(size.positives),
        )
        for split in splits
        for group, size in group_sizes.read(statistics, split, features).items()
        if group is not None
    ]


def facets(statistics: str, split: str, features: Features) -> str:
    """Statistics of everybody and of each group, under names for people, for Facets."""
    file = os.path.join(statistics, f"Split-{split}", "FeatureStats.pb")
    with tf.io.gfile.GFile(file, "rb") as opened:
        found = statistics_pb2.DatasetFeatureStatisticsList.FromString(opened.read()).datasets
    names = {
        f"{group.name}_{value}": shown_name(feature, name, features.group_names)
        for feature, group in features.groups.items()
        for name, value in group.plain.items()
    }
    shown = statistics_pb2.DatasetFeatureStatisticsList()
    for each in found:
        whole = each.name in ("", "All Examples")
        if whole or each.name in names:
            copy = shown.datasets.add()
            copy.CopyFrom(each)
            copy.name = "everybody" if whole else names[each.name]
    return base64.b64encode(shown.SerializeToString()).decode()


def data_digest(folder: str) -> str:
    """Hash over the names and bytes of the files of a split."""
    digest = hashlib.sha256()
    for file in folders.inside(folder):
        digest.update(os.path.basename(file).encode() + b"\0")
        with tf.io.gfile.GFile(file, "rb") as opened:
            while chunk := opened.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()[:16]


def versions(splits: Mapping[str, str], settings: str, code: str) -> dict[str, str]:
    """What the run was made of: digests of data, settings and code, and the libraries."""
    known = {f"data, {split} split": data_digest(folder) for split, folder in splits.items()}
    known["settings"] = hashlib.sha256(settings.encode()).hexdigest()[:16]
    known["code"] = code
    known["fairgate"] = fairgate.__version__
    known["Python"] = platform.python_version()
    return known | {name: importlib.metadata.version(name) for name in LIBRARIES}
