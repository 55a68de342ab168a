"""Runs `python -m MODULE ARGUMENTS` in a fork of a process that has TensorFlow and TFX loaded.

    one line in:  {"argv": [...], "env": {...}, "log": path}   one line out: process id
    one line in:  {"wait": process id}                         one line out: exit status, or -signal

Loading takes a container half a minute; a test of twenty commands need not wait for it twenty times.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import sys
import traceback


def main() -> None:
    """Serves until its standard input is closed."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever is printed while loading is no answer
    _load()
    gc.collect()
    gc.freeze()  # of no interest to the children's collections
    print("ready", file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            print(os.waitstatus_to_exitcode(status), file=answers)
            continue
        child = os.fork()
        if child == 0:
            answers.close()
            os._exit(_become(**request))
        print(child, file=answers)


def _load() -> None:
    # All but the modules that commands name: those must be run, not found loaded.

    import pipeline.dag  # noqa: F401


def _become(argv: list[str], env: dict[str, str], log: str) -> int:
    """Does what `argv` says, as a process started with it would."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(env)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, target in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(descriptor, target)
    python, dash_m, module, *arguments = argv
    assert (python, dash_m) == ("python", "-m"), argv
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    main()
