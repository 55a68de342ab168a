"""What ML Metadata knows of attempts, the ledger must know: a real store, a real ledger."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fairgate.errors import DataError
from fairgate.gate import ledger
from fairgate.gate.attempts import Attempt
from tests.fairgate.gate.test_ledger import question, split

M, N = "a" * 32, "b" * 32


class Pipeline:
    """A store of metadata and a ledger, and models that are judged by both."""

    def __init__(self, folder: Path):
        import ml_metadata as mlmd
        from ml_metadata.proto import metadata_store_pb2

        self.file, self.root = str(folder / "metadata.sqlite"), folder / "ledger"
        config = metadata_store_pb2.ConnectionConfig()
        config.sqlite.filename_uri = self.file
        config.sqlite.connection_mode = (
            metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        )
        self.store = mlmd.MetadataStore(config)
        kind = metadata_store_pb2.ArtifactType(name="ModelBlessing")
        self.type_id = self.store.put_artifact_type(kind)

    def judge(self, model: str, records=None, beside: str = "", attempts: int = 5) -> Attempt:
        """As the Evaluator does: into the ledger, and then onto the artifact."""
        from tfx.types import standard_artifacts

        from components.evaluator.stamp import Stamp

        records = split() if records is None else records
        asked = question(f"{model} beside {beside}" if beside else model)
        attempt = ledger.admit(str(self.root), records, asked, 0.95, attempts, "run")
        settled = ledger.settle(str(self.root), records, attempt, False, "run")
        blessing = standard_artifacts.ModelBlessing()
        blessing.uri = f"blessing/of/{model[:4]}"
        blessing.type_id = self.type_id
        Stamp(model, "files", "gate", settled).write(blessing)
        self.store.put_artifacts([blessing.mlmd_artifact])
        return settled

    def require_known(self, records=None) -> None:
        from pipeline.running import counted

        records = split() if records is None else records
        page = ledger.read(str(self.root), records)
        counted.require_known(self.store, self.file, str(self.root), page, records)


@pytest.fixture
def pipeline(tmp_path) -> Pipeline:
    return Pipeline(tmp_path)


def test_what_both_know_is_in_order(pipeline):
    pipeline.require_known()  # nothing was judged
    for beside in ("", N):
        pipeline.judge(M, beside=beside)
    pipeline.judge(N, attempts=3)
    pipeline.require_known()
    assert ledger.read(str(pipeline.root), split()).end.why == "used up"


def test_a_ledger_that_is_gone_is_noticed_and_other_test_data_may_be_judged(pipeline):
    pipeline.judge(M)
    shutil.rmtree(pipeline.root)
    with pytest.raises(DataError) as error:
        pipeline.require_known()
    for part in (
        f"{pipeline.root}: entries are missing",
        f"{pipeline.file} knows attempt 1",
        M,
        "restore the whole folder from a copy",
        "data.splits.test",
    ):
        assert part in str(error.value)
    pipeline.require_known(split("0" * 32))


def test_an_older_copy_in_its_place_is_noticed(pipeline, tmp_path):
    pipeline.judge(M)
    shutil.copytree(pipeline.root, tmp_path / "copy")
    pipeline.judge(N)
    shutil.rmtree(pipeline.root)
    (tmp_path / "copy").rename(pipeline.root)
    with pytest.raises(DataError, match=f"attempt 2 on this test split .model {N}"):
        pipeline.require_known()


def test_an_end_that_is_gone_is_noticed(pipeline, tmp_path):
    """The last event, with its seal: the chain alone would not show it."""
    pipeline.judge(M, attempts=1)
    for last in (*pipeline.root.glob("journal/*2.json"), *pipeline.root.glob("seals/000002-*")):
        last.unlink()
    assert ledger.read(str(pipeline.root), split()).end is None
    with pytest.raises(DataError, match="which ended the series, and the ledger has no end of it"):
        pipeline.require_known()


def test_an_attempt_on_a_split_that_shares_records_is_asked_for(pipeline):
    pipeline.judge(M, split("small", range(100)))
    pipeline.judge(N, split("large", range(200)))
    for last in (*pipeline.root.glob("journal/*2.json"), *pipeline.root.glob("seals/000002-*")):
        last.unlink()
    with pytest.raises(DataError, match="attempt 2"):
        pipeline.require_known(split("small", range(100)))
    pipeline.require_known(split("none", range(1000, 1100)))


def test_blessings_of_earlier_versions_say_nothing(pipeline):
    from tfx.types import standard_artifacts

    blessing = standard_artifacts.ModelBlessing()
    blessing.type_id = pipeline.type_id
    pipeline.store.put_artifacts([blessing.mlmd_artifact])
    pipeline.require_known()
