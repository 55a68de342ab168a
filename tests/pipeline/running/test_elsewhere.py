"""Settings that name what is not on this machine; object stores themselves: tests/object_store."""

from __future__ import annotations

import pytest

from fairgate.errors import SettingsError
from pipeline.running import elsewhere
from pipeline.settings import load


@pytest.mark.parametrize(
    "field", ["data.path", "data.schema_file", "artifacts", "ledger", "serving"]
)
@pytest.mark.parametrize("scheme", ["s3", "minio", "hdfs"])
def test_a_store_that_tensorflow_does_not_know_is_refused_with_the_way_out(field, scheme):
    with pytest.raises(
        SettingsError, match=rf"{field} = '{scheme}://b/x'.* gs:// .*Mount the bucket"
    ):
        elsewhere.require_known(load([], [f"{field}={scheme}://b/x"]))


def test_the_metadata_of_runs_on_this_machine_stays_on_it():
    with pytest.raises(SettingsError, match=r"runs = 'gs://b/x'.*--set artifacts=gs://b/x"):
        elsewhere.require_known(load([], ["runs=gs://b/x"]))


def test_what_is_served_elsewhere_is_not_looked_through():
    asked = ["serving=gs://b/x", "gate.compare_with=served"]
    with pytest.raises(SettingsError, match=r"'gs://b/x' is looked through on this machine alone"):
        elsewhere.require_known(load([], asked))


def test_folders_and_gs_are_known():
    elsewhere.require_known(load())
    elsewhere.require_known(load([], ["serving=gs://b/x", "data.path=gs://b/data", "ledger=/l"]))


def test_a_schema_on_this_machine_is_taken_as_it_is():
    settings = load()
    assert elsewhere.with_schema_here(settings) is settings
