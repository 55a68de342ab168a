"""The field decides what a word is: text as it stands, numbers by YAML 1.2, and nothing is lost."""

from __future__ import annotations

import pytest
import yaml

from fairgate.errors import SettingsError
from pipeline import yaml12
from pipeline.settings import dump, load
from tests.pipeline.files import write

TABLE = (
    "data.features.image=null",
    "data.features.numeric=[age]",
    "trainer.network=tabular",
    "data.features.label={name: pay, positive: 1, negative: 0}",
    "trainer.constraints=[]",
    "gate.constraints=ACC >= 0.5",
)


def refused(text: str, tmp_path) -> str:
    file = write(tmp_path / "refused.yaml", text)
    with pytest.raises(SettingsError) as error:
        load([file])
    assert file in str(error.value)
    return str(error.value).replace(file, "FILE")


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("data.csv.comment=#", "#"),
        ("data.csv.comment=~", "~"),
        ("data.csv.comment=%", "%"),
        ("data.csv.comment='#'", "#"),
        ("data.csv.comment=null", None),
        ("data.csv.together=2024", "2024"),
        ("data.csv.together=Yes", "Yes"),
        ("data.csv.together=a: b", "a: b"),
        ("data.csv.delimiter=|", "|"),
        ("data.csv.delimiter=;", ";"),
        ("data.csv.delimiter=\t", "\t"),
        ("data.csv.delimiter=\\t", "\t"),
        ("data.csv.delimiter='|'", "|"),
        ("data.csv.delimiter='", "'"),
        ("data.csv.missing=[-99]", ["-99"]),
        ("data.csv.missing=-99", ["-99"]),
        ("data.csv.missing=[null, ~, NA, 1.50, off]", ["null", "~", "NA", "1.50", "off"]),
        ("data.csv.columns=[1, 2.0, on, 0x1F]", ["1", "2.0", "on", "0x1F"]),
        ("data.csv.replace={1: one, No: 0, <=5.: 5}", {"1": "one", "No": "0", "<=5.": "5"}),
        ("data.path=/data/run #1", "/data/run #1"),
        ("data.path=/data/a: b", "/data/a: b"),
        ("data.path=2024", "2024"),
        ("data.splits.train=*", "*"),
        ("data.splits.train=[ab]*", "[ab]*"),
        ("data.features.unit=007", "007"),
        ("name=2024", "2024"),
        ("name=no", "no"),
        ("name=1e3", "1e3"),
        ("model_name=0100", "0100"),
        ("trainer.jit=off", "off"),
        ('trainer.jit="off"', "off"),
        ("trainer.jit=on", "on"),
        ("deploy.kubeflow.nodes.node_selector={gpu: true, zone: 1}", {"gpu": "true", "zone": "1"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_text_is_taken_as_it_stands(assignment, value):
    found = load([], [assignment]).model_dump(mode="json")
    for key in assignment.partition("=")[0].split("."):
        found = found[key]
    assert found == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("100", 100), ("0100", 100), ("1e3", 1000), ("0x10", 16), ("0o17", 15), ("+7", 7)],
)
def test_numbers_are_those_of_yaml_1_2(tmp_path, text, value):
    assert load([], [f"trainer.batch_size={text}"]).trainer.batch_size == value
    file = write(tmp_path / "number.yaml", f"trainer: {{batch_size: {text}}}")
    assert load([file]).trainer.batch_size == value


@pytest.mark.parametrize("text", ["1_000,5", "1:40", "ten", "1.5", "0b11", "9" * 5000, "1e39"])
def test_what_is_no_whole_number_is_refused(tmp_path, text):
    with pytest.raises(SettingsError, match=r"trainer\.batch_size|trainer: batch_size"):
        load([], [f"trainer.batch_size={text}"])
    assert "batch_size" in refused(f"trainer: {{batch_size: '{text}'}}", tmp_path)


@pytest.mark.parametrize("text", ["1e39", "-1e39", "1e-50", "inf", ".inf", "nan", ".nan", "1e999"])
def test_a_number_that_float32_does_not_hold_is_refused(tmp_path, text):
    with pytest.raises(SettingsError, match="learning_rate"):
        load([], [f"trainer.learning_rate={text}"])
    assert "limit" in refused(f"gate: {{limit: {text}}}", tmp_path)


@pytest.mark.parametrize(
    ("values", "meant"),
    [
        ("{Yes: 1, No: 0}", {"Yes": 1, "No": 0}),
        ("{1: 1, 2: 2}", {"1": 1, "2": 2}),
        ("{Up: Yes, Down: No}", {"Up": "Yes", "Down": "No"}),
        ("{Up: true, Down: false}", {"Up": "true", "Down": "false"}),
        ("{Old: 01, New: 02}", {"Old": "01", "New": "02"}),
        ("{Old: 12:30, New: 1.5}", {"Old": "12:30", "New": "1.5"}),
    ],
)
def test_groups_are_named_and_known_by_what_stands_there(tmp_path, values, meant):
    groups = f"data.features.groups={{Answer: {{name: said, values: {values}}}}}"
    assert load([], [groups, *TABLE]).data.features.groups["Answer"].values == meant
    text = f"data: {{features: {{groups: {{Answer: {{name: said, values: {values}}}}}}}}}"
    file = write(tmp_path / "groups.yaml", text)
    assert load([file], TABLE).data.features.groups["Answer"].values == meant


def test_words_of_a_file_are_what_their_field_says(tmp_path):
    file = write(
        tmp_path / "words.yaml",
        "name: 2024\nmodel_name: no\ncache: off\n"
        "trainer: {jit: off, steps: 0100, snapshots: 10}\n"
        "data: {path: 1.10, csv: {missing: [-99, 1_000, NULL], together: yes}}\n",
    )
    settings = load([file])
    assert (settings.name, settings.model_name, settings.cache) == ("2024", "no", False)
    assert (settings.trainer.jit, settings.trainer.steps) == ("off", 100)
    assert settings.data.path == "1.10"
    assert settings.data.csv.missing == ("-99", "1_000", "NULL")
    assert settings.data.csv.together == "yes"


@pytest.mark.parametrize(
    ("text", "name", "lines"),
    [
        ("gate:\n  limit: 0.02\ntrainer: {steps: 100}\ngate:\n  confidence: 0.9\n", "gate", (1, 4)),
        ("trainer:\n  steps: 100\n  seed: 1\n  steps: 200\n", "steps", (2, 4)),
        ("gate: {limit: 0.1, limit: 0.2}", "limit", (1, 1)),
        ('name: a\n"name": b\n', "name", (1, 2)),
        ("- {a: 1,\n   a: 2}", "a", (1, 2)),
    ],
)
def test_a_name_that_is_there_twice_is_refused_with_both_lines(tmp_path, text, name, lines):
    message = refused(text, tmp_path)
    assert f"{name!r} is there twice" in message
    assert f"at line {lines[0]} and at line {lines[1]}" in message


def test_what_is_merged_in_counts_less_than_what_is_said(tmp_path):
    file = write(
        tmp_path / "merged.yaml",
        "deploy:\n  resources:\n    Transform: &large {cpu: 8, memory_gb: 32}\n"
        "    Evaluator: {<<: *large, cpu: 4}\n",
    )
    deploy = load([file]).deploy
    assert (deploy.resources["Evaluator"].cpu, deploy.resources["Evaluator"].memory_gb) == (4, 32)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("FPR <= 0.5", ("FPR <= 0.5",)),
        ("FPR <= 0.5  # of everybody", ("FPR <= 0.5  # of everybody",)),
        ("max_gap(FPR, [Young]) <= 0.1", ("max_gap(FPR, [Young]) <= 0.1",)),
        ("[FPR <= 0.5, FNR <= 0.5]", ("FPR <= 0.5", "FNR <= 0.5")),
    ],
)
def test_one_constraint_may_be_given_alone(given, meant):
    assert load([], [f"trainer.constraints={given}"]).trainer.constraints == meant
    assert load([], [f"gate.constraints={given}"]).gate.constraints == meant


def test_a_block_of_text_is_a_constraint_in_each_line(tmp_path):
    block = "gate:\n  constraints: |\n    FPR <= 0.5  # all\n    # none\n\n    FNR <= 0.4\n"
    constraints = load([write(tmp_path / "block.yaml", block)]).gate.constraints
    assert constraints == ("FPR <= 0.5  # all", "FNR <= 0.4")
    alone = "gate:\n  constraints: max_gap(FPR, [Young]) <= 0.1\n"
    constraints = load([write(tmp_path / "alone.yaml", alone)]).gate.constraints
    assert constraints == ("max_gap(FPR, [Young]) <= 0.1",)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("data: {csv: {delimiter: |}}", ["line 1", "quotes"]),
        ("data:\n  csv:\n    delimiter: |\n", ["line 3", "'|'"]),
        ("data:\n  csv:\n    comment: #\n", ["line 3", '"#"', "null"]),
        ("data:\n  csv:\n    comment: ~\n", ["line 3", "null"]),
        ("data:\n  path: ~\n", ["line 2", "null"]),
        ("data:\n  path:\n", ["line 2", "null"]),
        ("runs: ~", ["runs", "nothing is given"]),
        ("runs: ''", ["runs", "nothing is given"]),
        ("name: %x", ["line 1", "quotes"]),
        ("name: @x", ["line 1", "quotes"]),
        ("name: !!python/object:os.system x", ["line 1", "!"]),
        ("name: !mine x", ["line 1", "!mine"]),
        ("name: &a [*a]", ["line 1", "endless"]),
        ("a: &a {b: *a}", ["line 1", "endless"]),
        ("? [a]\n: b", ["line 1", "name is expected"]),
        ('name: "\\ud800"', ["line 1", "no text"]),
        ("name: a\n---\nname: b", ["line 2", "single document"]),
        ("name: a\x00b", ["not valid YAML"]),
        ("[" * 5000, ["nested too deeply"]),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n"
                for a, b in zip("abcdef", "bcdefg", strict=True)
            ),
            ["too large"],
        ),
    ],
    ids=range(20),
)
def test_what_yaml_would_lose_or_cannot_be_is_told(tmp_path, text, parts):
    message = refused(text, tmp_path)
    for part in parts:
        assert part in message, message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_may_have_a_mark_that_says_its_encoding(tmp_path, encoding):
    file = tmp_path / "settings.yaml"
    file.write_bytes("data: {path: Jünger}".encode(encoding))
    assert load([str(file)]).data.path == "Jünger"


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_in_another_encoding_is_refused_with_the_way_out(tmp_path, encoding):
    file = tmp_path / "settings.yaml"
    file.write_bytes("name: x\nmodel_name: Jünger\n".encode(encoding))
    with pytest.raises(SettingsError, match="UTF-8") as error:
        load([str(file)])
    assert str(file) in str(error.value)
    if encoding == "windows-1252":
        assert "line 2" in str(error.value) and "0xfc" in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["off", "No", "0100", "0o17", "1e3", "12:30", "1_000", "~", "null", "=", "<<", ".5", "#"],
)
def test_a_dump_means_the_same_in_both_versions(text):
    dumped = yaml12.dump({"text": text, "number": 1e-5})
    assert yaml.safe_load(dumped) == {"text": text, "number": 1e-5}
    assert yaml12.plain(yaml12.compose(dumped, "dump")) == {"text": text, "number": 1e-5}


def test_words_that_yaml_versions_read_differently_survive_a_dump(tmp_path):
    given = load([], ["data.csv.missing=[off, 0o17, 1e3, ~, -99]", "name=1e3"])
    assert load([write(tmp_path / "dump.yaml", dump(given))]) == given
