"""What a run on this machine finds out about an object store before anything is trained."""

from __future__ import annotations

import pathlib
import time

import pytest

from components import folders
from components.evaluator import files
from fairgate.errors import DataError, SettingsError
from pipeline.running import elsewhere, local
from pipeline.settings import load

SCHEMA = "data.schema_file=gs://bucket/elsewhere/schema.pbtxt"


def test_a_bucket_that_is_there_can_be_written(store):
    elsewhere.require_writable(load([], ["ledger=gs://bucket/elsewhere/ledger"]))


@pytest.mark.parametrize(
    "field", ["data.path", "data.schema_file", "artifacts", "ledger", "serving"]
)
def test_a_bucket_that_is_not_there_is_told_at_once(store, field):
    asked = load([], [f"{field}=gs://nowhere/some/folder"])
    began = time.monotonic()
    with pytest.raises(SettingsError, match=rf"^{field} = 'gs://nowhere/some/folder': .*'nowhere'"):
        elsewhere.require_reachable(asked)
    assert time.monotonic() - began < 10


def test_a_run_asks_for_its_buckets_before_it_looks_for_shards(store):
    asked = load([], ["data.path=gs://nowhere/data"])
    with pytest.raises(SettingsError, match="gcloud storage buckets create gs://nowhere"):
        local._check_inputs(asked)


def test_names_that_may_not_be_listed_are_told_with_the_role_that_may(store):
    store.forbid("GET .*/o[?]")
    with pytest.raises(SettingsError, match=r"objects access.*objectViewer on it"):
        elsewhere.require_reachable(load([], ["data.path=gs://bucket/data"]))
    with pytest.raises(SettingsError, match=r"objects access.*objectAdmin on it"):
        elsewhere.require_reachable(load([], ["serving=gs://bucket/serving"]))


def test_a_bucket_that_may_only_be_read_is_told_at_once(store):
    store.forbid("POST .*/upload/")
    asked = load([], ["ledger=gs://bucket/read-only/ledger"])
    elsewhere.require_reachable(asked)
    began = time.monotonic()
    with pytest.raises(SettingsError, match=r"cannot be written.*objectAdmin"):
        elsewhere.require_writable(asked)
    assert time.monotonic() - began < 10


def test_a_store_that_is_away_is_told_and_not_waited_for(store, monkeypatch):
    monkeypatch.setattr(elsewhere, "_WAITED", 3)
    store.go_down("GET")
    began = time.monotonic()
    with pytest.raises(SettingsError, match="does not answer within 3 seconds"):
        elsewhere.require_reachable(load([], ["ledger=gs://bucket/ledger"]))
    assert time.monotonic() - began < 10


def test_a_key_that_is_missing_is_told_with_its_place(store, monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    files.client.cache_clear()
    with pytest.raises(SettingsError, match=r"no credentials for bucket 'bucket'.*key.json"):
        elsewhere.require_reachable(load([], ["data.path=gs://bucket/data"]))
    files.client.cache_clear()


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
