"""The settings of a run hold what its training split decided; what was not given stays so."""

from __future__ import annotations

import pytest

from fairgate.errors import SettingsError
from pipeline.running import measured
from pipeline.settings import Settings, dump, load
from tests.tiny_dataset import record, write_shard

CONSTRAINT = "max_gap(FPR, [Sex x Age]) <= 0.1"


def settings(folder, **changes) -> Settings:
    """People of whom five are old women."""
    rows = [
        {"height": 1.7, "sex": "f" if i % 100 < 10 else "m", "age": i % 100, "yes": i // 100}
        for i in range(200)
    ]
    write_shard(folder / "data-train.tfrecord", map(record, rows))
    features = {
        "numeric": ["height"],
        "label": {"name": "yes"},
        "groups": {
            "Sex": {"name": "sex", "values": {"Men": "m", "Women": "f"}},
            "Age": {"name": "age", "values": {"Young": "<q50", "Old": ">=q50"}},
        },
    }
    data = {"path": str(folder), "features": features | changes}
    trained = {"constraints": [CONSTRAINT], "network": "tabular"}
    return Settings.model_validate(
        {"data": data, "trainer": trained, "gate": {"constraints": [CONSTRAINT]}}
    )


def test_what_was_measured_is_kept_and_read_back(tmp_path):
    asked = settings(tmp_path, least_crossing=3)
    found = measured.resolved(asked)
    features = found.data.features
    assert measured.waits(asked) and features.groups["Age"].quantiles == {"q50": 49.0}
    assert features.small_crossings == {"Women & Old": 0}
    assert features.group_names["Sex x Age"] == ["Men & Young", "Men & Old", "Women & Young"]
    assert found.trainer.model_fields_set == asked.trainer.model_fields_set  # tune goes by it
    file = tmp_path / "settings.yaml"
    file.write_text(dump(found))
    again = load([str(file)])
    assert again.data.features == features and measured.resolved(again) == again


def test_settings_without_such_groups_read_no_data(tmp_path):
    groups = {
        "Sex": {"name": "sex", "values": {"Men": "m", "Women": "f"}},
        "Age": {"name": "age", "values": {"Young": "<50", "Old": ">=50"}},
    }
    plain = settings(tmp_path, groups=groups)
    assert measured.resolved(plain) is plain and list(measured.sentences(plain)) == []


def test_a_constraint_on_a_crossing_that_is_too_small_is_told(tmp_path):
    asked = settings(tmp_path, least_crossing=3)
    named = asked.model_dump()
    named["gate"]["constraints"] = ["FPR | [Women & Old] <= 0.1"]
    with pytest.raises(SettingsError, match=r"gate.constraints.0: .*Women & Old"):
        measured.resolved(Settings.model_validate(named))


def test_a_cluster_whose_data_is_out_of_reach_needs_the_numbers(tmp_path):
    asked = settings(tmp_path)
    data = asked.data.model_copy(update={"path": str(tmp_path / "elsewhere")})
    away = asked.model_copy(update={"data": data})
    with pytest.raises(SettingsError, match=r"cannot be read here: .* Give the numbers"):
        measured.resolved_elsewhere(away)
