"""Executor of ImportExampleGen: checks every record, then copies the shards as they are."""

from __future__ import annotations

import json
import os
from typing import Any

import tensorflow as tf
from absl import logging
from google.protobuf import json_format, struct_pb2
from tfx import types
from tfx.components.example_gen import utils
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components.example_gen import splits
from components.example_gen.checks import check_shards
from components.example_gen.shards import left_out
from components.features import Features
from components.measured import small_crossings


class Executor(base_beam_executor.BaseBeamExecutor):
    """Imports the shards of each split without rewriting them.

    The stock executor of ImportExampleGen sends every record through a shuffle that holds the whole
    dataset in memory on the embedded Beam runner, and compresses JPEGs again. The shards are TFRecords
    already, so checking and copying them file by file gives the same artifact in constant memory.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `Split-<name>/` folders; raises DataError before anything downstream runs.

        The artifact carries, as custom properties, the digest of the test split's contents
        (`test_digest`), its numbers of examples (`test_sizes`, see `SplitCounts.sizes`), those of all
        splits (`sizes`, see `splits.sizes`), and a line for each thing that is no error but should be
        known (`warnings`).
        """
        input_base = exec_properties[standard_component_specs.INPUT_BASE_KEY]
        input_config = example_gen_pb2.Input()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.INPUT_CONFIG_KEY], input_config
        )
        features = read_features(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        names = utils.generate_output_split_names(input_config, example_gen_pb2.Output())
        examples.split_names = artifact_utils.encode_split_names(names)
        patterns = {split.name: split.pattern for split in input_config.splits}
        files = splits.list_splits(input_base, patterns)
        counts = {}
        for name, shards in files.items():
            counts[name] = check_shards(shards, features)
            counts[name].require_every_group(name, input_base, features)
            counts[name].require_every_column(name, input_base, features)
        splits.require_different(counts)
        if features.unit is not None:
            splits.require_units_apart(counts, features.unit)
        for name, shards in files.items():
            target = artifact_utils.get_split_uri([examples], name)
            tf.io.gfile.makedirs(target)
            for index, shard in enumerate(shards):
                # Two folders may hold files of one name, and packed ones are unpacked for all readers.
                copy = f"records-{index:05d}-of-{len(shards):05d}"
                places = counts[name].left_out[shard]
                splits.copy_kept(shard, os.path.join(target, copy), places)
            logging.info("%s: %d examples in %d shards", name, counts[name].examples, len(shards))
        # The gate counts by the first how often it was asked; whoever shows the run shows the second.
        examples.set_string_custom_property(splits.TEST_DIGEST, counts[splits.TEST].digest())
        examples.set_string_custom_property(
            splits.TEST_SIZES, json.dumps(counts[splits.TEST].sizes(features))
        )
        examples.set_string_custom_property(
            splits.SIZES,
            json.dumps({name: splits.sizes(of, features) for name, of in counts.items()}),
        )
        examples.set_string_custom_property(
            splits.WARNINGS,
            "\n".join(
                [
                    *left_out(input_base, patterns),
                    *splits.warnings(counts),
                    *small_crossings(features),
                ]
            ),
        )
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)


def pack_features(features: Features, code: str) -> example_gen_pb2.CustomConfig:
    """`features` and a hash of the code, as ExampleGen carries a configuration of one's own."""
    struct = struct_pb2.Struct()
    # As text: a Struct knows doubles only, and does not keep the order of the groups.
    json_format.ParseDict({"features": features.model_dump_json(), "code": code}, struct)
    config = example_gen_pb2.CustomConfig()
    config.custom_config.Pack(struct)
    return config


def read_features(custom_config: str) -> Features:
    """The inverse of `pack_features`, from its JSON."""
    config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(custom_config, config)
    struct = struct_pb2.Struct()
    config.custom_config.Unpack(struct)
    return Features.model_validate_json(struct["features"])
