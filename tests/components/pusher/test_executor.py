"""Pusher: a whole model or none, and only with a blessing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.evaluator.digests import RECORD, files_digest
from components.evaluator.stamp import StaleBlessing, Stamp
from components.pusher import rolling_back, versions
from components.pusher.executor import Executor
from fairgate.gate.attempts import Attempt


@pytest.fixture
def serving(tmp_path) -> Path:
    return tmp_path / "serving" / "smiling"


def make_model(folder: Path, content: str) -> standard_artifacts.Model:
    exported = folder / "Format-Serving"
    (exported / "variables").mkdir(parents=True, exist_ok=True)
    (exported / "saved_model.pb").write_text(content)
    (exported / "variables" / "variables.index").write_text("weights of " + content)
    model = standard_artifacts.Model()
    model.uri = str(folder)
    return model


def stamp(blessing: standard_artifacts.ModelBlessing, model: standard_artifacts.Model) -> None:
    """Writes what the Evaluator writes."""
    attempt = Attempt(number=1, of=1, confidence=0.95, delta_total=0.05, test_digest="t" * 32)
    files = files_digest(str(Path(model.uri, "Format-Serving")))
    Stamp(model="m" * 32, files=files, gate="g" * 32, attempt=attempt).write(blessing)


def push(
    tmp_path: Path,
    serving: Path,
    blessed: bool,
    content: str = "one",
    given_for: dict[str, str] | None = None,
    executor: type[Executor] = Executor,
    model: str = "m" * 32,
    **properties: str,
):
    """Runs the executor; returns the pushed_model artifact.

    Args:
      given_for: what the blessing says it was given for, where that is something else.
      executor: the class to run.
      model: what the model computes with, as the blessing tells it.
      properties: more execution properties.
    """
    made = make_model(tmp_path / f"model-{content}", content)
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(tmp_path / "blessing")
    Path(blessing.uri).mkdir(exist_ok=True)
    blessing.set_int_custom_property("blessed", int(blessed))
    stamp(blessing, made)
    blessing.set_string_custom_property("model_digest", model)
    for name, value in (given_for or {}).items():
        blessing.set_string_custom_property(name, value)
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    examples.set_string_custom_property("test_digest", "t" * 32)
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(tmp_path / "pushed")
    Path(pushed.uri).mkdir(exist_ok=True)
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(serving))
    )
    executor().Do(
        {"model": [made], "model_blessing": [blessing], "examples": [examples]},
        {"pushed_model": [pushed]},
        {
            "push_destination": proto_utils.proto_to_json(destination),
            "custom_config": "null",
            "gate": "g" * 32,
            **properties,
        },
    )
    return pushed


def told(pushed) -> str:
    """What Pusher says became of the model."""
    return pushed.get_string_custom_property("told")


def numbers(serving: Path) -> list[int]:
    """What a model server sees: the numbered folders."""
    if not serving.is_dir():
        return []
    return sorted(int(path.name) for path in serving.iterdir() if path.name.isdigit())


def test_without_a_blessing_nothing_is_written(tmp_path, serving):
    pushed = push(tmp_path, serving, blessed=False)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not serving.exists() and numbers(serving) == []
    left = [path for path in (tmp_path / "serving").rglob("*")] if serving.parent.exists() else []
    assert left == []


def test_with_a_blessing_the_whole_model_is_there(tmp_path, serving):
    pushed = push(tmp_path, serving, blessed=True)
    [version] = numbers(serving)
    folder = serving / str(version)
    assert (folder / "saved_model.pb").read_text() == "one"
    assert (folder / "variables" / "variables.index").read_text() == "weights of one"
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == str(folder)
    assert pushed.get_string_custom_property("pushed_version") == str(version)
    assert [path.name for path in serving.iterdir()] == [str(version)]  # no scratch is left


def test_versions_increase_even_within_a_second_and_old_ones_stay(tmp_path, serving):
    names = ["one", "two", "three"]
    pushed = [push(tmp_path, serving, blessed=True, content=name) for name in names]
    order = [int(p.get_string_custom_property("pushed_version")) for p in pushed]
    assert order == sorted(set(order)) == numbers(serving)
    for name, version in zip(names, order, strict=True):
        assert (serving / str(version) / "saved_model.pb").read_text() == name


def test_a_version_from_the_future_does_not_win(tmp_path, serving):
    (serving / "99999999999").mkdir(parents=True)
    push(tmp_path, serving, blessed=True)
    assert numbers(serving)[-1] == 100000000000


def test_a_blocked_model_leaves_the_served_one_untouched(tmp_path, serving):
    push(tmp_path, serving, blessed=True)
    before = {path: path.stat().st_mtime_ns for path in serving.rglob("*")}
    push(tmp_path, serving, blessed=False, content="worse")
    assert {path: path.stat().st_mtime_ns for path in serving.rglob("*")} == before


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("model_files", "another model"),
        ("test_digest", "other test data"),
        ("gate_digest", "other settings of the gate"),
    ],
)
@pytest.mark.parametrize("value", ["0" * 32, ""])
def test_a_stale_blessing_pushes_nothing(tmp_path, serving, name, what, value):
    push(tmp_path, serving, blessed=True)
    before = numbers(serving)
    with pytest.raises(StaleBlessing) as refusal:
        push(tmp_path, serving, blessed=True, content="two", given_for={name: value})
    text = str(refusal.value)
    assert f"is stale: it was given for {what} ({name} {value or 'unknown'}, not " in text
    assert "Nothing is pushed on it" in text and "running the pipeline again" in text
    assert "--set cache=false" in text  # the way out where that does not help
    assert numbers(serving) == before
    assert [path.name for path in serving.parent.iterdir()] == ["smiling"]


def test_a_model_that_was_changed_after_its_blessing_is_not_pushed(tmp_path, serving):
    written = stamp

    def changed(blessing, model):
        written(blessing, model)
        Path(model.uri, "Format-Serving", "variables", "variables.index").write_text("other")

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "stamp", changed)
        with pytest.raises(StaleBlessing, match="given for another model"):
            push(tmp_path, serving, blessed=True)
    assert numbers(serving) == []


def test_a_stale_blessing_that_is_none_is_no_error(tmp_path, serving):
    pushed = push(tmp_path, serving, blessed=False, given_for={"model_files": "0" * 32})
    assert pushed.get_int_custom_property("pushed") == 0 and numbers(serving) == []


@pytest.mark.parametrize("at", ["saved_model.pb", "variables.index"])
def test_an_error_in_the_middle_of_copying_leaves_no_version(tmp_path, serving, monkeypatch, at):
    real_copy = versions.tf.io.gfile.copy

    def copy_and_fail(source, target, *arguments):
        real_copy(source, target, *arguments)
        if target.endswith(at):
            raise OSError("disk full")

    monkeypatch.setattr(versions.tf.io.gfile, "copy", copy_and_fail)
    with pytest.raises(OSError, match="disk full"):
        push(tmp_path, serving, blessed=True)
    assert list(serving.iterdir()) == []
    monkeypatch.undo()
    push(tmp_path, serving, blessed=True, content="again")  # what was left over is no obstacle
    [version] = numbers(serving)
    assert (serving / str(version) / "saved_model.pb").read_text() == "again"


def killed_in(module, function: str, work) -> None:
    """Does `work` in a process of its own, which is killed when `function` has done its own part."""
    real = getattr(module, function)

    def deadly(*arguments):
        real(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            setattr(module, function, deadly)
            work()
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize("after", ["the first file", "the rename"])
def test_a_kill_leaves_no_half_version_and_makes_no_second_one(tmp_path, serving, after):
    module, function = {
        "the first file": (versions.tf.io.gfile, "copy"),
        "the rename": (versions.os, "rename"),
    }[after]
    killed_in(module, function, lambda: push(tmp_path, serving, blessed=True))
    before = numbers(serving)
    assert len(before) == (after == "the rename") and any(serving.iterdir())
    again = push(tmp_path, serving, blessed=True)
    [version] = numbers(serving)
    assert before in ([], [version])
    assert again.get_string_custom_property("pushed_version") == str(version)
    assert [path.name for path in serving.iterdir()] == [str(version)]


def test_the_same_model_again_is_left_as_it_is(tmp_path, serving):
    first = push(tmp_path, serving, blessed=True)
    before = {path: path.stat().st_mtime_ns for path in serving.rglob("*")}
    again = push(tmp_path, serving, blessed=True)
    assert {path: path.stat().st_mtime_ns for path in serving.rglob("*")} == before
    for name in ("pushed_destination", "pushed_version"):
        assert again.get_string_custom_property(name) == first.get_string_custom_property(name)
    assert again.get_int_custom_property("was_there") == 1 and told(again) == ""


def test_after_going_back_to_old_settings_their_model_is_the_newest(tmp_path, serving):
    one, two = (push(tmp_path, serving, blessed=True, content=each) for each in ("one", "two"))
    again = push(tmp_path, serving, blessed=True, content="one")
    assert len(numbers(serving)) == 3
    newest = serving / str(numbers(serving)[-1])
    assert again.get_string_custom_property("pushed_destination") == str(newest)
    assert (newest / "saved_model.pb").read_text() == "one"
    numbered = [each.get_string_custom_property("pushed_version") for each in (one, two)]
    assert told(again) == (
        f"The model is version {numbered[0]}, but version {numbered[1]} is newer: it is pushed again, so "
        "that it is served"
    )


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index", "more", "record"])
@pytest.mark.parametrize("how", ["gone", "changed"])
def test_a_version_that_was_damaged_is_pushed_anew(tmp_path, serving, name, how):
    pushed = push(tmp_path, serving, blessed=True)
    file = Path(
        pushed.get_string_custom_property("pushed_destination"), name.replace("record", RECORD)
    )
    if how == "changed":
        file.write_text("{}")
    elif name != "more":
        file.unlink()
    again = push(tmp_path, serving, blessed=True)
    if name == "record" or (name, how) == ("more", "gone"):  # the model is whole
        assert len(numbers(serving)) == 1
        return
    first, newest = numbers(serving)
    assert again.get_string_custom_property("pushed_destination") == str(serving / str(newest))
    assert (serving / str(newest) / "variables/variables.index").read_text() == "weights of one"
    assert told(again).startswith(
        f"Version {first} is not as it was pushed: files in it were changed"
    )
    assert push(tmp_path, serving, blessed=True).get_int_custom_property("was_there") == 1


def test_a_model_that_somebody_went_back_from_is_not_pushed_again(tmp_path, serving):
    push(tmp_path, serving, blessed=True, content="good")
    push(tmp_path, serving, blessed=True, content="bad", model="b" * 32)
    good, bad = numbers(serving)
    back = rolling_back.roll_back(str(serving), good)
    again = push(tmp_path, serving, blessed=True, content="bad", model="b" * 32)
    assert again.get_int_custom_property("pushed") == 0
    assert numbers(serving) == [good, bad, back.number]
    assert (serving / str(back.number) / "saved_model.pb").read_text() == "good"
    assert f"it is version {bad}, from which somebody went back to version {good}" in told(again)
    assert f"fairgate serving roll-back {bad} --folder {serving}" in told(again)
    # What is served is that of the older settings, whose run finds all well.
    assert push(tmp_path, serving, blessed=True, content="good").get_int_custom_property(
        "was_there"
    )
    # Another model is another matter.
    push(tmp_path, serving, blessed=True, content="new", model="n" * 32)
    assert len(numbers(serving)) == 4
    # And so is the same one, once somebody has gone back to it.
    forward = rolling_back.roll_back(str(serving), bad)
    again = push(tmp_path, serving, blessed=True, content="bad", model="b" * 32)
    assert again.get_string_custom_property("pushed_version") == str(forward.number)
