"""What the Evaluator writes on its artifacts: which model it judged, on what, and at which confidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tensorflow_model_analysis.proto import config_pb2
from tfx import types

from components.example_gen.splits import TEST_DIGEST
from fairgate.errors import DataError, FairGateError
from fairgate.gate.attempts import Attempt


class StaleBlessing(FairGateError):
    """The blessing was given to something else than what is to be pushed."""


@dataclass(frozen=True)
class Stamp:
    """What a blessing holds for.

    Attributes:
      model: `digests.model_digest` of the model.
      files: `digests.files_digest` of its export.
      gate: `gate_digest` of what it was asked.
      attempt: which attempt on which test split.
    """

    model: str
    files: str
    gate: str
    attempt: Attempt

    def write(self, artifact: types.Artifact) -> None:
        """Puts it into the artifact's custom properties."""
        artifact.set_string_custom_property("model_digest", self.model)
        artifact.set_string_custom_property("model_files", self.files)
        artifact.set_string_custom_property("gate_digest", self.gate)
        artifact.set_string_custom_property(TEST_DIGEST, self.attempt.test_digest)
        artifact.set_int_custom_property("attempt", self.attempt.number)
        artifact.set_int_custom_property("attempts", self.attempt.of)
        artifact.set_int_custom_property("sealed", int(self.attempt.sealed))
        # As text, which comes back to the last digit from every store of metadata.
        artifact.set_string_custom_property("confidence", repr(self.attempt.confidence))
        artifact.set_string_custom_property("delta_total", repr(self.attempt.delta_total))


def read_attempt(artifact: types.Artifact) -> Attempt:
    """The attempt on a blessing or evaluation of this Evaluator."""
    return Attempt(
        number=artifact.get_int_custom_property("attempt"),
        of=artifact.get_int_custom_property("attempts"),
        confidence=float(artifact.get_string_custom_property("confidence")),
        delta_total=float(artifact.get_string_custom_property("delta_total")),
        test_digest=artifact.get_string_custom_property(TEST_DIGEST),
        sealed=artifact.get_int_custom_property("sealed") == 1,
    )


def read_model(blessing: types.Artifact) -> str:
    """`Stamp.model` of a blessing; empty where it has no stamp."""
    digest: str = blessing.get_string_custom_property("model_digest")
    return digest


def require_fresh(blessing: types.Artifact, files: str, test_digest: str, gate: str) -> None:
    """Raises StaleBlessing unless `blessing` was given to this export, on this data, by this gate.

    Args:
      blessing: with a `Stamp`, or without one, which is as good as another's.
      files: `digests.files_digest` of what is to be pushed.
      test_digest: of the run's test split.
      gate: `gate_digest` of the run's gate.
    """
    for name, expected, what, remedy in (
        ("model_files", files, "another model", "judge the model that is to be pushed"),
        (TEST_DIGEST, test_digest, "other test data", "judge the model on this run's test split"),
        ("gate_digest", gate, "other settings of the gate", "judge the model by this run's gate"),
    ):
        found = blessing.get_string_custom_property(name)
        if found != expected:
            raise StaleBlessing(
                f"the blessing in {blessing.uri} is stale: it was given for {what} ({name} "
                f"{found or 'unknown'}, not {expected}). Nothing is pushed on it: {remedy}, as running "
                "the pipeline again does, which makes anew what was changed; where it comes to this "
                "again, run it once with --set cache=false, which makes everything anew"
            )


def test_digest(examples: types.Artifact) -> str:
    """The digest of the test split of imported examples."""
    digest = examples.get_string_custom_property(TEST_DIGEST)
    if not digest:
        raise DataError(
            f"{examples.uri}: these examples carry no {TEST_DIGEST}, so the gate cannot know what was "
            "judged on them before. Import them with components.example_gen"
        )
    return digest


def gate_digest(config: config_pb2.EvalConfig) -> str:
    """Of constraints, limits, confidence and all else that the gate decides by; 32 hex digits."""
    return hashlib.sha256(config.SerializeToString(deterministic=True)).hexdigest()[:32]
