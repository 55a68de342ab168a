"""Pusher: a whole model or none, and only with a blessing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.evaluator.digests import files_digest
from components.evaluator.stamp import StaleBlessing, Stamp
from components.pusher.executor import Executor
from fairgate.gate.attempts import Attempt

REPOSITORY = Path(__file__).parents[3]


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
    **properties: str,
):
    """Runs the executor; returns the pushed_model artifact.

    Args:
      given_for: what the blessing says it was given for, where that is something else.
      executor: the class to run.
      properties: more execution properties.
    """
    model = make_model(tmp_path / f"model-{content}", content)
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(tmp_path / "blessing")
    Path(blessing.uri).mkdir(exist_ok=True)
    blessing.set_int_custom_property("blessed", int(blessed))
    stamp(blessing, model)
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
        {"model": [model], "model_blessing": [blessing], "examples": [examples]},
        {"pushed_model": [pushed]},
        {
            "push_destination": proto_utils.proto_to_json(destination),
            "custom_config": "null",
            "gate": "g" * 32,
            **properties,
        },
    )
    return pushed


def versions(serving: Path) -> list[int]:
    """What a model server sees: the numbered folders."""
    if not serving.is_dir():
        return []
    return sorted(int(path.name) for path in serving.iterdir() if path.name.isdigit())


def test_without_a_blessing_nothing_is_written(tmp_path, serving):
    pushed = push(tmp_path, serving, blessed=False)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not serving.exists() and versions(serving) == []
    left = [path for path in (tmp_path / "serving").rglob("*")] if serving.parent.exists() else []
    assert left == []


def test_with_a_blessing_the_whole_model_is_there(tmp_path, serving):
    pushed = push(tmp_path, serving, blessed=True)
    [version] = versions(serving)
    folder = serving / str(version)
    assert (folder / "saved_model.pb").read_text() == "one"
    assert (folder / "variables" / "variables.index").read_text() == "weights of one"
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == str(folder)
    assert pushed.get_string_custom_property("pushed_version") == str(version)
    assert [path.name for path in serving.parent.iterdir()] == ["smiling"]  # no scratch is left


def test_versions_increase_even_within_a_second_and_old_ones_stay(tmp_path, serving):
    names = ["one", "two", "three"]
    pushed = [push(tmp_path, serving, blessed=True, content=name) for name in names]
    order = [int(p.get_string_custom_property("pushed_version")) for p in pushed]
    assert order == sorted(set(order)) == versions(serving)
    for name, version in zip(names, order, strict=True):
        assert (serving / str(version) / "saved_model.pb").read_text() == name


def test_a_version_from_the_future_does_not_win(tmp_path, serving):
    (serving / "99999999999").mkdir(parents=True)
    push(tmp_path, serving, blessed=True)
    assert versions(serving)[-1] == 100000000000


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
    before = versions(serving)
    with pytest.raises(StaleBlessing) as refusal:
        push(tmp_path, serving, blessed=True, content="two", given_for={name: value})
    text = str(refusal.value)
    assert f"is stale: it was given for {what} ({name} {value or 'unknown'}, not " in text
    assert "Nothing is pushed on it" in text and "running the pipeline again" in text
    assert versions(serving) == before
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
    assert versions(serving) == []


def test_a_stale_blessing_that_is_none_is_no_error(tmp_path, serving):
    pushed = push(tmp_path, serving, blessed=False, given_for={"model_files": "0" * 32})
    assert pushed.get_int_custom_property("pushed") == 0 and versions(serving) == []


@pytest.mark.parametrize("step", ["copy_dir", "copy_file"])
def test_an_error_in_the_middle_of_copying_leaves_no_version(tmp_path, serving, monkeypatch, step):
    from tfx.components.pusher import executor as standard

    real_copy = getattr(standard.io_utils, step)

    def copy_and_fail(*arguments, **named):
        real_copy(*arguments, **named)
        raise OSError("disk full")

    monkeypatch.setattr(standard.io_utils, step, copy_and_fail)
    with pytest.raises(OSError, match="disk full"):
        push(tmp_path, serving, blessed=True)
    assert versions(serving) == []
    monkeypatch.undo()
    push(tmp_path, serving, blessed=True, content="again")  # what was left over is no obstacle
    [version] = versions(serving)
    assert (serving / str(version) / "saved_model.pb").read_text() == "again"
    assert [path.name for path in serving.parent.iterdir()] == ["smiling"]


def test_a_kill_in_the_middle_of_copying_leaves_no_version(tmp_path, serving):
    program = f"""
        import os, pathlib, signal, sys
        from tfx.components.pusher import executor as standard
        from tests.components.pusher.test_executor import push
        real_copy = standard.io_utils.copy_dir
        def killed(source, target, *arguments, **named):
            real_copy(source, target, *arguments, **named)
            (pathlib.Path(target) / "saved_model.pb").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
        standard.io_utils.copy_dir = killed
        push(pathlib.Path({str(tmp_path)!r}), pathlib.Path({str(serving)!r}), blessed=True)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=REPOSITORY,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        check=False,
    )
    assert result.returncode == -signal.SIGKILL, result.stderr[-2000:]
    assert versions(serving) == []
    assert list(serving.parent.rglob("saved_model.pb")), "the kill came too early to show anything"
    push(tmp_path, serving, blessed=True)
    assert len(versions(serving)) == 1 and [p.name for p in serving.parent.iterdir()] == ["smiling"]
