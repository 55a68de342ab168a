"""What a run on this machine finds out about an object store before anything is trained."""

from __future__ import annotations

import pathlib

import pytest

from components import folders
from fairgate.errors import DataError
from pipeline import elsewhere
from pipeline.settings import load

SCHEMA = "data.schema_file=gs://bucket/elsewhere/schema.pbtxt"


def test_a_bucket_that_is_there_can_be_written(store):
    elsewhere.require_writable(load([], ["ledger=gs://bucket/elsewhere/ledger"]))


def test_the_schema_is_copied_here(store, tmp_path):
    text = 'feature { name: "age" }\n'
    store.put("bucket", "elsewhere/schema.pbtxt", text.encode())
    here = elsewhere.with_schema_here(load([], [SCHEMA, f"runs={tmp_path}"])).data.contract
    assert pathlib.Path(here).read_text() == text


@pytest.mark.parametrize("data", [None, b"no schema", b"\xff"])
def test_a_schema_that_is_none_is_told_with_its_address(store, tmp_path, data):
    asked = SCHEMA.replace("schema.pbtxt", f"{tmp_path.name}.pbtxt")
    if data is not None:
        store.put("bucket", f"elsewhere/{tmp_path.name}.pbtxt", data)
    with pytest.raises(
        DataError, match=r"data\.schema_file = 'gs://bucket/elsewhere/.*: not a TFMD"
    ):
        elsewhere.with_schema_here(load([], [asked, f"runs={tmp_path}"]))


def test_of_a_model_that_is_moved_saved_model_comes_last(store):
    names = ["assets/words.txt", "fingerprint.pb", "saved_model.pb", "variables/variables.index"]
    for name in names:
        store.put("bucket", f"moved/from/{name}", name.encode())
    before = len(store.asked())
    folders.move_model("gs://bucket/moved/from", "gs://bucket/moved/to")
    found = [name for name in store.names("bucket") if name.startswith("moved/")]
    assert found == [f"moved/to/{name}" for name in names]
    written = [line for line in store.asked()[before:] if "rewriteTo" in line]
    assert "saved_model.pb" in written[-1] and len(written) == len(names)
