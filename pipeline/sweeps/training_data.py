"""The examples that training sees, for commands that train by themselves: as Transform left them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.running.terminal import Display
from pipeline.settings import Settings

if TYPE_CHECKING:  # they load TensorFlow
    from components.constrained_trainer.examples.data import Split
    from components.transform.inputs import ModelInput
    from pipeline.results.outcomes import Transformed

STEPS = 5 + 1  # the nodes up to Transform, and reading what it left


@dataclass(frozen=True)
class TrainingData:
    """What a training sees.

    Attributes:
      splits: train and validation.
      inputs: of a network.
      transformed: what the nodes left.
    """

    splits: tuple[Split, Split]
    inputs: Mapping[str, ModelInput]
    transformed: Transformed


@contextlib.contextmanager
def read(settings: Settings, run_id: str, display: Display) -> Iterator[TrainingData]:
    """Runs the nodes up to Transform, or re-uses them, and reads the splits.

    What does not fit into memory lies in files that are there as long as the context.

    Raises:
      DataError: the data does not fit the settings.
    """
    import tensorflow_transform as tft

    from components.constrained_trainer.executor import read_split
    from components.transform.inputs import model_inputs
    from pipeline.running import runner

    features = settings.data.features
    transformed = runner.transform(settings, run_id, display)
    with tempfile.TemporaryDirectory(prefix="fairgate-") as scratch:
        with display.step("Read examples"):
            training, validation = (
                read_split([transformed.examples], name, features, scratch)
                for name in ("train", "validation")
            )
            inputs = model_inputs(features, tft.TFTransformOutput(transformed.graph))
        yield TrainingData((training, validation), inputs, transformed)
