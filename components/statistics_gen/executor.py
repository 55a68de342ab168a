"""Executor of StatisticsGen: the standard one, and the sizes that ImportExampleGen counted.

TFDV slices by values as they stand, and knows neither ranges nor crossings of groups.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from unittest import mock

import apache_beam as beam
from tensorflow_data_validation.statistics import stats_impl
from tfx import types
from tfx.components.statistics_gen import executor as standard
from tfx.types import artifact_utils, standard_component_specs

from components import group_sizes, record_batches
from components.example_gen.splits import SIZES
from components.statistics_gen.matrix_stats import MatrixStatsGenerator

# Options that name generators of one's own are not among those that a component can be given.
_MATRIX = SimpleNamespace(BasicStatsGenerator=MatrixStatsGenerator)


def _no_fanout(combine: beam.CombinePerKey, fanout: int) -> beam.CombinePerKey:
    """TFDV spreads each slice over 128 keys first, which is for hot keys of a stream.

    Of a few slices it is a second shuffle, before which every batch of each is packed whole.
    """
    return combine


class Executor(standard.Executor):
    """Writes the statistics, then the sizes of each split."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """As the standard one; nothing is added where the examples carry no sizes."""
        with (
            mock.patch.object(stats_impl, "basic_stats_generator", _MATRIX),
            mock.patch.object(beam.CombinePerKey, "with_hot_key_fanout", _no_fanout),
            record_batches.read(),
        ):
            super().Do(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.EXAMPLES_KEY]
        )
        counted = examples.get_string_custom_property(SIZES)
        folder = artifact_utils.get_single_uri(output_dict[standard_component_specs.STATISTICS_KEY])
        for split, sizes in json.loads(counted or "{}").items():
            group_sizes.write(folder, split, sizes)
