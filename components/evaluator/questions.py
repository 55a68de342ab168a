"""What an evaluation asks of the test split, as the ledger knows it again."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.types import artifact_utils

from components import folders, tfrecords
from components.evaluator.files import FILES
from components.evaluator.stamp import test_digest
from components.example_gen.checks import SplitCounts
from components.example_gen.splits import TEST
from fairgate.constraints import language
from fairgate.constraints.algebra import has_changes
from fairgate.constraints.crossings import Cell, cells, crossed
from fairgate.constraints.expressions import Constraint
from fairgate.constraints.notation import group_text, number_text
from fairgate.constraints.rates import Group
from fairgate.data.groups import GroupFeature, LabelFeature
from fairgate.gate import ledger
from fairgate.gate.attempts import Question, asked
from fairgate.records import Records
from fairgate.strict import Strict

BOUND = "ConstraintBound"
_BATCH = 512
_NEW = ("others", "unknown", "overlapping", "left_out", "quantiles", "classes")


class Meaning(Strict):
    """What label, groups, unit and weight of a gate are: what a question depends on of `Features`."""

    label: LabelFeature
    groups: dict[str, GroupFeature]
    unit: str | None = None
    weight: str | None = None
    crossings: tuple[str, ...] = ()


def question(config: config_pb2.EvalConfig, meaning: Meaning, model: str) -> Question:
    """What is asked: by columns and their values, so that what people call them makes no difference.

    Args:
      config: the gate.
      meaning: of the label and of its groups.
      model: `digests.model_digest` of the model.
    """
    names = {
        group_text(Group(feature, name)): f"[{group.name}={_values(group, name)}]"
        for feature, group in meaning.groups.items()
        for name in group.membership.names
    }
    names |= {
        group_text(Group(crossing, cell)): " & ".join(names[group_text(Group(*one))] for one in of)
        for crossing in meaning.crossings
        for cell, of in _cells(crossing, meaning.groups).items()
    }
    whole = [
        replace(each, text=f"{each.expression} {each.sense} {number_text(each.limit)}")
        for each in _constraints(config)
    ]
    lines = [
        re.sub(r"\[(?:\\.|[^\]\\])*\]", lambda found: names.get(found[0], found[0]), line)
        for line in asked(whole)
    ]
    label = _known_before(meaning.label.model_dump(mode="json"))
    # Another kind of bound of the same model is another look.
    units = [json.loads(each.config).get("units") for each in bounds(config)]
    over = {} if meaning.unit is None else {"unit": meaning.unit, "bounds": units[0]}
    over |= {} if meaning.weight is None else {"weight": meaning.weight, "bounds": units[0]}
    return Question(model, tuple(sorted(lines)), _digest(label | over))


def former_question(config: config_pb2.EvalConfig, meaning: Meaning, model: str) -> Question:
    """The same as earlier versions wrote it: by what people call label and groups."""
    known = _known_before(meaning.model_dump(mode="json", include={"label", "groups"}))
    return Question(model, asked(_constraints(config)), _digest(known))


def test_records(examples: types.Artifact) -> Records:
    """The records of the test split of imported examples; DataError where they carry no digest."""
    digest = test_digest(examples)
    folder = artifact_utils.get_split_uri([examples], TEST)
    files = tfrecords.require_lengths(folders.inside(folder))
    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    counts = SplitCounts()
    for batch in tf.data.TFRecordDataset(files, compression_type=compression).batch(_BATCH):
        counts.add_records(batch.numpy())
    return Records.of(digest, counts.hashes)


def adopt_former(root: str) -> None:
    """Takes over what earlier versions wrote: a ledger in the folder of each pipeline."""
    for folder in folders.matching(os.path.dirname(root), "*/ledger"):
        ledger.adopt(root, folder, FILES)


def bounds(config: config_pb2.EvalConfig) -> list[config_pb2.MetricConfig]:
    """The metrics of `config` that are confidence bounds."""
    return [
        metric
        for specs in config.metrics_specs
        for metric in specs.metrics
        if metric.class_name == BOUND
    ]


def is_beside_another(config: config_pb2.EvalConfig) -> bool:
    """Whether the gate asks for a change against the baseline, whose answers then matter."""
    return any(has_changes(each.expression) for each in _constraints(config))


def _constraints(config: config_pb2.EvalConfig) -> Sequence[Constraint]:
    found = [json.loads(metric.config) for metric in bounds(config)]
    return [language.parse(each["constraint"], each["groups"]) for each in found]


def _cells(crossing: str, groups: Mapping[str, GroupFeature]) -> dict[str, Cell]:
    declared = {feature: group.membership.names for feature, group in groups.items()}
    return cells(crossed(crossing, declared) or (), declared)


def _values(group: GroupFeature, name: str) -> str:
    """Whom the group holds: its raw value alone where that is all, as it always was."""
    rule = group.membership.rules.get(name)
    items = () if rule is None else rule.measured
    found = "" if rule is None else repr(items[0] if len(items) == 1 else items)
    if name == group.others:
        rest = {other: value for other, value in group.values.items() if other != name}
        found += f" or none of {sorted(map(repr, rest.values()))}"
    return f"{found} unless {group.unknown!r}" if group.unknown else found


def _known_before(tree: Any) -> Any:
    """The tree as it was before values could be several: what is new and says nothing is left out."""
    if not isinstance(tree, dict):
        return tree
    return {
        key: _known_before(value)
        for key, value in tree.items()
        if not (key in _NEW and value in (None, [], False, {}))
    }


def _digest(tree: object) -> str:
    return hashlib.sha256(json.dumps(tree).encode()).hexdigest()[:16]
