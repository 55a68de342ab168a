"""How the Evaluator takes examples apart: by batch and slice, and not one by one.

TFMA's extractors ask models about batches, but then hand each example to each of its slices by itself,
which costs many times what the models do. Here a slice gets all of its examples of a batch at once, as
arrays; the metrics of `components.fairness_metrics` take both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.extractors import slice_key_extractor
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.utils import util

from components.evaluator import scores

_BATCH = 512
_INPUT = "examples"  # of the models' signatures
_KEPT = (
    constants.LABELS_KEY,
    constants.PREDICTIONS_KEY,
    constants.TRANSFORMED_FEATURES_KEY,
    constants.EXAMPLE_WEIGHTS_KEY,
)


def extractors(
    eval_shared_model: Any, eval_config: config_pb2.EvalConfig, **_: Any
) -> list[tfma.extractors.Extractor]:
    """What TFX's Evaluator asks for as `custom_extractors`.

    Args:
      eval_shared_model: the models, as TFMA loads them.
      eval_config: with what their signatures are called, and the slices.
    """
    models = {"eval_config": eval_config, "eval_shared_model": eval_shared_model}
    one_score = not any(spec.prediction_key for spec in eval_config.model_specs)
    kept = [tfma.extractors.Extractor("KeepScores", scores.Keep())]
    return [
        tfma.extractors.Extractor("ExtractSerialized", _Serialized()),
        tfma.extractors.TransformedFeaturesExtractor(**models),
        tfma.extractors.LabelsExtractor(eval_config=eval_config),
        tfma.extractors.ExampleWeightsExtractor(eval_config=eval_config),
        tfma.extractors.PredictionsExtractor(**models),
        *(kept if one_score else []),
        tfma.extractors.Extractor(
            slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME, beam.ParDo(_BySlice(eval_config))
        ),
    ]


class _Serialized(beam.PTransform):
    """TFX's batches, whose sizes a clock decides -> batches of one size, by which scores round.

    They hold the records as they are, and no columns: models parse what they need themselves.
    """

    def expand(self, extracts: beam.PCollection) -> beam.PCollection:
        return (
            extracts
            | "Records" >> beam.FlatMap(_records)
            | "Batch" >> beam.BatchElements(min_batch_size=_BATCH, max_batch_size=_BATCH)
            | "Extracts" >> beam.Map(_extracts)
        )


def _records(extracts: tfma.Extracts) -> np.ndarray:
    batch = extracts[constants.ARROW_RECORD_BATCH_KEY]
    column = batch.column(batch.schema.get_field_index(constants.ARROW_INPUT_COLUMN))
    return np.asarray(column.flatten())


def _extracts(batch: list[bytes]) -> tfma.Extracts:
    """Under the name of the signatures' argument, too.

    Without it TFMA gives records by place, which TensorFlow refuses with a message that spells out all of
    them, and then takes.
    """
    records = np.array(batch, object)
    return {constants.INPUT_KEY: records, constants.FEATURES_KEY: {_INPUT: records}}


class _BySlice(beam.DoFn):
    """A batch -> of each of its slices, the examples that are in it."""

    def __init__(self, eval_config: config_pb2.EvalConfig):
        self._keys = slice_key_extractor.ExtractSliceKeysFn(eval_config, materialize=False)
        self._specs = [slicer_lib.SingleSliceSpec(spec=spec) for spec in eval_config.slicing_specs]
        self._sliced_by = {key for spec in eval_config.slicing_specs for key in spec.feature_keys}

    def process(self, extracts: tfma.Extracts) -> Iterator[tfma.Extracts]:
        kept = {key: extracts[key] for key in _KEPT if extracts.get(key) is not None}
        slices = self._slices(kept[constants.TRANSFORMED_FEATURES_KEY])
        # TFMA has them in no order. Everybody comes first.
        for key in sorted(slices, key=lambda each: (len(each), str(each))):
            keys = slicer_lib.slice_keys_to_numpy_array([key])
            yield {constants.SLICE_KEY_TYPES_KEY: keys, **_rows_of(kept, np.sort(slices[key]))}

    def _slices(self, features: Mapping[str, Any]) -> dict[tuple, list[int]]:
        """Key of each slice -> the rows that are in it."""
        size = util.batch_size(features)
        columns = [
            map(tuple, of_model[name].reshape(size, -1).tolist())
            for of_model in features.values()
            for name in sorted(self._sliced_by & of_model.keys())
        ]
        # TFMA is asked once for all that have the same values.
        alike: dict[tuple, list[int]] = defaultdict(list)
        for row, *values in zip(range(size), *columns, strict=True):
            alike[tuple(values)].append(row)
        slices: dict[tuple, list[int]] = defaultdict(list)
        for rows in alike.values():
            one = {
                model: {name: of_model[name][rows[:1]].ravel() for name in of_model}
                for model, of_model in features.items()
            }
            found = self._keys.process({constants.TRANSFORMED_FEATURES_KEY: one}, self._specs)[0]
            for key in found[constants.SLICE_KEY_TYPES_KEY]:
                slices[key].extend(rows)
        return slices


def _rows_of(value: Any, rows: Any) -> Any:
    """Rows of an array, or of all arrays in a tree of mappings."""
    if isinstance(value, Mapping):
        return {key: _rows_of(each, rows) for key, each in value.items()}
    return value[rows]
