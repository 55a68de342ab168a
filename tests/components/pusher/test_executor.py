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

from components.pusher.executor import Executor

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


def push(tmp_path: Path, serving: Path, blessed: bool, content: str = "one"):
    """Runs the executor; returns the pushed_model artifact."""
    model = make_model(tmp_path / f"model-{content}", content)
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(tmp_path / "blessing")
    Path(blessing.uri).mkdir(exist_ok=True)
    blessing.set_int_custom_property("blessed", int(blessed))
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(tmp_path / "pushed")
    Path(pushed.uri).mkdir(exist_ok=True)
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(serving))
    )
    Executor().Do(
        {"model": [model], "model_blessing": [blessing]},
        {"pushed_model": [pushed]},
        {
            "push_destination": proto_utils.proto_to_json(destination),
            "custom_config": "null",
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
