"""TFX loads beside what this process waits for, and is given up where the process ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.running import loading

# In a process that has loaded nothing yet: the tests' own has.
_GIVEN_UP = """
import atexit, sys, time
from pipeline.running.loading import Loading

begun = Loading()
while "tensorflow" not in sys.modules:
    time.sleep(0.01)
atexit.register(lambda: print(begun.is_alive(), "pipeline.running.runner" in sys.modules))
sys.exit(3)
"""

_LOADED = """
import sys
from pipeline.running.loading import Loading

finders = list(sys.meta_path)
Loading().finish()
print("pipeline.running.runner" in sys.modules, [each for each in finders if each not in sys.meta_path])
"""


def _done(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


@pytest.mark.slow
def test_all_is_loaded_and_nothing_left_among_the_finders():
    done = _done(_LOADED)
    assert done.stdout == "True []\n", done.stderr


@pytest.mark.slow
def test_a_process_that_ends_loads_no_further_module():
    done = _done(_GIVEN_UP)
    assert (done.returncode, done.stdout) == (3, "False False\n"), done.stderr
    assert "Traceback" not in done.stderr


def test_what_an_import_raises_is_raised_where_it_is_waited_for(monkeypatch, tmp_path):
    (tmp_path / "not_to_be_loaded.py").write_text("raise ImportError('libfoo.so.1: not found')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(loading, "_LOADS_ALL", "not_to_be_loaded")
    begun = loading.Loading()
    with pytest.raises(ImportError, match=r"libfoo\.so\.1: not found"):
        begun.finish()
