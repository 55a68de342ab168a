"""ImportExampleGen: TFRecord shards, checked and imported."""

from __future__ import annotations

from collections.abc import Mapping

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from components.example_gen import executor
from components.features import Features
from components.fingerprint import code_fingerprint


class ImportExampleGen(FileBasedExampleGen):
    """Ingests TFRecord shards of tf.Examples, one pattern per split.

    The driver is the standard one: a change of any file changes the fingerprint of the input, so the
    data is read again. The executor is FairGate's own (see `executor.Executor`).
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, input_base: str, patterns: Mapping[str, str], features: Features):
        """Args:
        input_base: folder of the shards, local or gs://.
        patterns: name of each split -> pattern of its files below `input_base`.
        features: what the columns mean; every record is checked against it.
        """
        code = code_fingerprint(
            "components.example_gen",
            "components.columns",
            "components.features",
            "components.pictures",
            "components.tfrecords",
            "fairgate.data.groups",
            "fairgate.data.membership",
        )
        super().__init__(
            input_base=input_base,
            input_config=example_gen_pb2.Input(
                splits=[
                    example_gen_pb2.Input.Split(name=name, pattern=pattern)
                    for name, pattern in patterns.items()
                ]
            ),
            custom_config=executor.pack_features(features, code),
        )
