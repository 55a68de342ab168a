"""A slice's examples all at once, against TFMA's own way of one after the other."""

from __future__ import annotations

import itertools

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.extractors import slice_key_extractor
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.utils import model_util

from components.evaluator import batches
from components.fairness_metrics import gate
from fairgate.constraints.rates import Counts
from fairgate.gate.config import GateConfig
from pipeline.settings import Settings
from tests.components.evaluator import planted
from tests.components.evaluator.planted import Planted

GROUPS = {"Team": ["Red", "Blue"], "Age": ["Young", "Old"]}
CONFIG = gate.eval_config(GateConfig(constraints=["FPR <= 0.5"]), GROUPS, "label")
teams = st.sampled_from([b"Red", b"Blue", b"(unknown)"])
# Of groups that overlap, TFMA gets some name of the example's own in every place.
ages = st.sampled_from([(b"Young", b"Young"), (b"Young", b"Old"), (b"Old", b"Old")])


def column(values):
    found = np.empty(np.shape(values), object)
    found[:] = values
    return found


@settings(deadline=None)
@given(st.lists(st.tuples(teams, ages), min_size=1, max_size=20))
def test_a_slice_gets_the_rows_that_tfma_puts_there(rows):
    features = {"Team": column([team for team, _ in rows]), "Age": column([age for _, age in rows])}
    whole = {
        "labels": np.arange(len(rows)),
        "transformed_features": {spec.name: features for spec in CONFIG.model_specs},
        "predictions": {spec.name: np.arange(len(rows))[:, None] for spec in CONFIG.model_specs},
    }
    by_slice = batches._BySlice(CONFIG)
    found = {}
    for each in by_slice.process(whole):
        [key] = each[constants.SLICE_KEY_TYPES_KEY]
        found[key] = each["labels"].tolist()
        for model in whole["predictions"]:
            assert each["predictions"][model][:, 0].tolist() == found[key]
            own = each["transformed_features"][model]
            assert own["Team"].tolist() == [rows[row][0] for row in found[key]]
            assert [tuple(age) for age in own["Age"]] == [rows[row][1] for row in found[key]]
    expected: dict[tuple, list[int]] = {}
    one_by_one = slice_key_extractor.ExtractSliceKeysFn(CONFIG, materialize=False)
    specs = [slicer_lib.SingleSliceSpec(spec=spec) for spec in CONFIG.slicing_specs]
    for row, (team, age) in enumerate(rows):
        own = {"Team": column([team]), "Age": column(age)}
        extracts = {"transformed_features": {spec.name: own for spec in CONFIG.model_specs}}
        [keyed] = one_by_one.process(extracts, specs)
        for key in keyed[constants.SLICE_KEY_TYPES_KEY]:
            expected.setdefault(key, []).append(row)
    assert found == expected


@pytest.mark.parametrize("cuts", [[1, 2, 700], [600], []])
def test_batches_are_of_one_size_however_records_come(cuts):
    """A clock decides how TFX cuts them, and by the size of its batch a score is rounded."""
    records = [b"%d" % number for number in range(1100)]
    places = [0, *cuts, len(records)]
    arrived = [
        pa.RecordBatch.from_pydict(
            {constants.ARROW_INPUT_COLUMN: [[each] for each in records[start:end]]}
        )
        for start, end in itertools.pairwise(places)
    ]

    def is_whole(found):
        assert [len(batch) for batch in found] == [512, 512, 76]
        assert [record for batch in found for record in batch] == records

    with beam.Pipeline(options=PipelineOptions(list(Settings().beam_arguments))) as pipeline:
        made = (
            pipeline
            | beam.Create([{constants.ARROW_RECORD_BATCH_KEY: each} for each in arrived])
            | batches._Serialized()
            | beam.Map(lambda extracts: extracts[constants.INPUT_KEY].tolist())
        )
        assert_that(made, is_whole)


def test_models_get_records_by_the_name_of_their_argument(tmp_path):
    """Otherwise TensorFlow spells out every record in a message that nobody sees."""
    model = tf.saved_model.load(planted.model(tmp_path).uri + "/Format-Serving")
    for signature in ("serving_default", "slices"):
        records = np.array([b"x", b"y"], object)
        specs = model_util.get_input_specs(model, signature)
        assert model_util.get_inputs({batches._INPUT: records}, specs).keys() == specs.keys()


@pytest.mark.parametrize(
    "named",
    [
        (),
        ("data.features.weight=weight", "data.features.largest_weight=4"),
        ("data.features.unit=person",),
    ],
    ids=["each counts one", "with weights", "by person"],
)
def test_an_evaluation_is_to_the_bit_that_of_tfmas_own_extractors(tmp_path, monkeypatch, named):
    outcomes = {"Red": Counts(tp=30, fp=3, tn=27, fn=2), "Blue": Counts(20, 4, 26, 1)}
    data = Planted(outcomes, each=5, weights=(1.0, 3.0, 0.0, 0.5))
    settings = data.settings(*named)
    examples, model = (
        planted.examples(tmp_path / "examples", data, "t" * 32),
        planted.model(tmp_path / "model"),
    )

    def judged(name):
        found = planted.judge(
            tmp_path / name, examples, model, settings, tmp_path / f"{name}-ledger"
        )
        return found.blessed, {
            (str(of_slice.slice_key), str(each.key)): each.value
            for of_slice in tfma.load_metrics(found.evaluation.uri)
            for each in of_slice.metric_keys_and_values
        }

    at_once = judged("at-once")

    def extractors(eval_shared_model, eval_config, tensor_adapter_config):
        return tfma.default_extractors(
            eval_shared_model=eval_shared_model,
            eval_config=eval_config,
            tensor_adapter_config=tensor_adapter_config,
        )

    monkeypatch.setattr(batches, "extractors", extractors)
    extractors.__name__ = "extractors"
    one_by_one = judged("one-by-one")
    assert len(at_once[1]) > 100 and at_once == one_by_one
