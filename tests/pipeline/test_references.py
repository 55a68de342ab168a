"""What `${NAME}` brings in stays a reference wherever settings are written down, and is not shown."""

from __future__ import annotations

import os
import stat

import pytest
from hypothesis import example, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from fairgate import visible
from fairgate.errors import SettingsError
from pipeline import sources, typed
from pipeline.command_line import comparing
from pipeline.results.runs import Run
from pipeline.running.local import in_run_folder
from pipeline.settings import Settings, document, dump, load, revalidated
from tests.pipeline.files import write

SECRET = "hunter2-and-more"
TEXTS = st.text(
    st.sampled_from("${}aA_ \n'\"#:") | st.characters(codec="utf-8", exclude_characters="\0"),
    max_size=20,
)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setattr(visible, "_hidden", {})
    monkeypatch.setenv("BUCKET_TOKEN", SECRET)
    monkeypatch.setenv("STEPS", "321")
    monkeypatch.setenv("HOLDS", "${STEPS}")


@given(TEXTS)
@example("${")
@example("$${")
@example("a ${ b")
@example("$$${x}${")
def test_escape_is_the_inverse_of_expand(text):
    assert sources.expand(sources.escape(text)) == text


@trying(deadline=None, max_examples=15)
@given(name=TEXTS.filter(lambda text: text.strip()), value=TEXTS)
@example(name="0\x85", value="\u2028 a")
def test_dump_is_the_inverse_of_load(tmp_path_factory, name, value):
    """Of any texts, in values and in keys of one's own."""
    folder = tmp_path_factory.mktemp("dumped")
    before = load([], ["trainer.constraints=[]", "gate.constraints=['FPR <= 0.5']"])
    tree = before.model_dump(exclude_unset=True) | {"beam_arguments": (value, f"{value}x")}
    tree["deploy"] = {"kubeflow": {"nodes": {"node_selector": {name: value}}}}
    settings = revalidated(tree, before)
    file = folder / "settings.yaml"
    file.write_text(dump(settings), encoding="utf-8")
    assert load([str(file)]) == settings


REFERRING = """
data: {path: "gs://x-${BUCKET_TOKEN}/y"}
trainer: {steps: "${STEPS}", constraints: "FPR <= 0.${STEPS}"}
beam_arguments: ["--key=${BUCKET_TOKEN}", "--plain", "$${STEPS}", "--odd=${"]
deploy:
  image: ${HOLDS}
  kubeflow: {nodes: {node_selector: {a: "${BUCKET_TOKEN}"}}, volumes: [{claim: "${STEPS}", path: /x}]}
"""


def test_references_are_kept_wherever_they_stand(tmp_path):
    settings = load([write(tmp_path / "a.yaml", REFERRING)])
    assert settings.data.path == f"gs://x-{SECRET}/y" and settings.trainer.steps == 321
    assert settings.beam_arguments[2:] == ("${STEPS}", "--odd=${")
    dumped = dump(settings)
    assert SECRET not in dumped
    assert SECRET not in str(document(settings)) and SECRET not in dump(settings, given_only=True)
    tree = document(settings)
    assert tree["data"]["path"] == "gs://x-${BUCKET_TOKEN}/y"
    assert tree["trainer"]["steps"] == "${STEPS}"
    assert tree["trainer"]["constraints"] == ["FPR <= 0.${STEPS}"]
    assert tree["deploy"]["image"] == "${HOLDS}"  # which is not read again
    assert load([write(tmp_path / "b.yaml", dumped)]) == settings


def test_what_is_changed_later_is_no_reference_any_more(tmp_path):
    settings = load([write(tmp_path / "a.yaml", REFERRING)])
    trainer = settings.trainer.model_copy(update={"steps": 7})
    changed = settings.model_copy(update={"trainer": trainer})
    tree = document(changed)
    assert tree["trainer"]["steps"] == 7 and tree["data"]["path"] == "gs://x-${BUCKET_TOKEN}/y"


def test_a_text_that_validation_makes_a_list_is_found_again(tmp_path):
    settings = load([], ["beam_arguments=--key=${BUCKET_TOKEN}", "trainer.steps=${STEPS}"])
    assert settings.beam_arguments == (f"--key={SECRET}",)
    assert document(settings)["beam_arguments"] == ["--key=${BUCKET_TOKEN}"]
    assert SECRET not in dump(settings)


def test_a_run_keeps_references_in_files_of_its_owner(tmp_path):
    settings = load(
        [write(tmp_path / "a.yaml", REFERRING)], [f"runs={tmp_path}/runs", f"serving={tmp_path}/s"]
    )
    ended = in_run_folder(settings, lambda *_: 0, "run", "", verbose=False)
    for name in ("settings.yaml", "run.log"):
        file = ended.folder / name
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert SECRET not in file.read_text()
    assert Run(ended.folder).settings["data"]["path"] == "gs://x-${BUCKET_TOKEN}/y"


def test_messages_show_the_reference(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPS", SECRET)
    with pytest.raises(SettingsError) as error:
        load([write(tmp_path / "a.yaml", "trainer: {steps: '${STEPS}'}")])
    assert "trainer.steps" in str(error.value) and "(given: '${STEPS}')" in str(error.value)
    assert SECRET not in str(error.value)


def test_fields_that_may_hold_secrets_are_shown_nowhere(tmp_path):
    with pytest.raises(SettingsError) as error:
        load(
            [
                write(
                    tmp_path / "a.yaml",
                    f"component_beam_arguments: {{Evaluator: {{a: [{SECRET}]}}}}",
                )
            ]
        )
    assert "component_beam_arguments" in str(error.value) and SECRET not in str(error.value)
    pair = []
    for each in (SECRET, "other"):
        folder = tmp_path / "runs" / "x" / each
        folder.mkdir(parents=True)
        (folder / "settings.yaml").write_text(f"beam_arguments: [{each}]\nname: {each}\n")
        pair.append(Run(folder))
    found = comparing.compare(*pair).settings
    assert found["name"] == (SECRET, "other")
    [hidden] = [values for path, values in found.items() if path.startswith("beam_arguments")]
    assert set(hidden) == {"(not shown: it may hold secrets)"}


def test_what_comparing_does_not_show_is_what_is_marked():
    marked = [name for name in Settings.model_fields if typed.is_secret(Settings, [name])]
    assert sorted(comparing.SECRET) == sorted(marked)


def test_a_secret_by_its_name_is_replaced_in_whatever_is_said():
    load([], ["data.path=gs://${BUCKET_TOKEN}"])
    said = visible.visible(f"data.path = 'gs://{SECRET}': no such folder")
    assert said == "data.path = 'gs://${BUCKET_TOKEN}': no such folder"
    assert visible.visible(os.environ["STEPS"]) == "321"
