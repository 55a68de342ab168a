"""What ML Metadata knows of attempts, held against the ledger: what one lost, the other knows.

The ledger's chain (`fairgate.gate.journal`) shows that an entry was changed, and its seals that the last
ones are gone; a ledger that is gone with its seals, or that was put back from an older copy, is whole in
itself. ML Metadata has every blessing of this pipeline with what was judged
(`components.evaluator.stamp.Stamp`), written after the ledger's entry: what it knows, the ledger must
know.
"""

from __future__ import annotations

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx.types import standard_artifacts

from components.evaluator.files import FILES
from components.example_gen.splits import TEST_DIGEST
from fairgate.errors import DataError
from fairgate.gate import ledger
from fairgate.gate.attempts import Entry
from fairgate.gate.ledger import Page
from fairgate.records import Records


def require_known(
    store: mlmd.MetadataStore, file: str, root: str, page: Page, records: Records
) -> None:
    """Raises DataError where ML Metadata knows an attempt on a test split that the ledger does not.

    Args:
      store: of the pipeline.
      file: that it is kept in, for messages.
      root: folder of the ledger.
      page: what the ledger knows of the split.
      records: of the split.
    """
    for blessing in store.get_artifacts_by_type(standard_artifacts.ModelBlessing.TYPE_NAME):
        split = _text(blessing, TEST_DIGEST)
        model = _text(blessing, "model_digest")
        if not split or not model or not ledger.same_data(root, split, records, FILES):
            continue
        number = blessing.custom_properties["attempt"].int_value
        attempt = f"attempt {number} on this test split (model {model}, {blessing.uri})"
        if not any(_asked(entry, split, model) for entry in page.entries):
            raise _lost(root, f"{file} knows {attempt}, and the ledger has no entry of it")
        shown = (
            "sealed" in blessing.custom_properties
            and not blessing.custom_properties["sealed"].int_value
        )
        if shown and split == records.digest and page.end is None:
            why = f"{file} knows that the figures of {attempt} were shown, which ended the series"
            raise _lost(root, f"{why}, and the ledger has no end of it")


def _asked(entry: Entry, split: str, model: str) -> bool:
    """Whether it was this model's attempt, perhaps beside another one (`components.evaluator`)."""
    asked = entry.question
    return asked.split == split and (
        asked.model == model or asked.model.startswith(f"{model} beside ")
    )


def _text(artifact: metadata_store_pb2.Artifact, name: str) -> str:
    found = artifact.custom_properties
    return str(found[name].string_value) if name in found else ""


def _lost(root: str, how: str) -> DataError:
    return DataError(
        f"{root}: entries are missing: {how}. It was removed, or an older copy was put in its place. The "
        "gate would judge at a confidence that is spent: restore the whole folder from a copy, or give "
        "test data that no model was judged on (data.splits.test)"
    )
