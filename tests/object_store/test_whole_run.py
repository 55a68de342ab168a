"""A whole run on an object store that fails one request in twenty, an outage in its push, and the next.

Examples, schema, artifacts, ledger and served model are on gs://, through the file system of TensorFlow,
that of Beam, and Google's client, as they are installed. The metadata is on this machine.
"""

from __future__ import annotations

import json
import re

import pytest
from google.cloud.storage.retry import DEFAULT_RETRY

from tests.e2e.runs import Table

SERVED = re.compile(r"serving/income/(\d+)/(.+)")


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Google's client asks again as it does by itself, in a hundredth of its time [s]."""
    for name, value in {"_initial": 0.01, "_maximum": 0.6, "_timeout": 1.2}.items():
        monkeypatch.setattr(DEFAULT_RETRY, name, value)


@pytest.fixture(scope="module")
def table(store, tmp_path_factory) -> Table:
    """The table, its shards in the bucket."""
    from pipeline.__main__ import main

    made = Table(tmp_path_factory.mktemp("table"))
    csv = str(made.folder / "people.csv")
    assert main(["data", "from-csv", csv, "--settings", str(made.settings)]) == 0
    for file in made.data.iterdir():
        store.put("bucket", f"data/{file.name}", file.read_bytes())
    store.put("bucket", "schema.pbtxt", (made.folder / "schema.pbtxt").read_bytes())
    return made


def run(table: Table) -> int:
    return table.run(
        "data.path=gs://bucket/data",
        "data.schema_file=gs://bucket/schema.pbtxt",
        "artifacts=gs://bucket/artifacts",
        "ledger=gs://bucket/ledger",
        "serving=gs://bucket/serving",
    )


def served(store) -> dict[int, dict[str, bytes]]:
    """Version -> its files, by their names."""
    found: dict[int, dict[str, bytes]] = {}
    for name in store.names("bucket"):
        if (match := SERVED.fullmatch(name)) and not name.endswith("/"):
            found.setdefault(int(match[1]), {})[match[2]] = store.read("bucket", name)
    return found


@pytest.mark.e2e
def test_a_push_that_an_outage_cuts_off_serves_nothing_and_the_next_run_goes_on_from_there(
    store, table
):
    store.fail(one_in=20)
    store.go_down(r"rewriteTo/b/bucket/o/serving%2Fincome%2F\d+%2Fvariables")
    assert run(table) == 1
    # A model server takes a folder for a model if this file is in it.
    assert not any("saved_model.pb" in files for files in served(store).values())

    store.go_down("")
    status = run(table)
    log = (table.newest / "run.log").read_text(errors="replace")
    assert status == 0, log[-6000:]
    steps = json.loads((table.newest / "steps.json").read_text())
    outcomes = {step["name"]: step["outcome"] for step in steps}
    worked = {"Load TFX", "Pusher", "Read verdict"}
    assert {name for name, outcome in outcomes.items() if outcome == "done"} == worked
    attempts = [name for name in store.names("bucket") if re.search("ledger/journal/event", name)]
    events = [json.loads(store.read("bucket", name))["event"] for name in attempts]
    assert events.count("attempt") == 1, "an attempt is spent once"

    version, files = max(served(store).items())
    assert table.verdict["pushed_model"] == f"gs://bucket/serving/income/{version}"
    [trained] = {
        re.match(
            r"(artifacts/table/ConstrainedTrainer\.constrained/model/\d+/.+/)saved_model\.pb", name
        )[1]
        for name in store.names("bucket")
        if re.search(r"ConstrainedTrainer\.constrained/model/.*/saved_model\.pb$", name)
    }
    model = [name for name in store.names("bucket") if name.startswith(trained)]
    pushed = {name: data for name, data in files.items() if not name.startswith("assets.extra/")}
    assert pushed == {
        name.removeprefix(trained): store.read("bucket", name) for name in model if name[-1] != "/"
    }
    assert store.failed() > 20
