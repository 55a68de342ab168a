"""A whole run with Beam workers that are interpreters of their own, started as docs/deploy.md says."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.runs import Table

REPOSITORY = Path(__file__).parents[2]
PORTS = ("8099", "50000")  # on the page
COMPONENTS = 3  # StatisticsGen, Transform and Evaluator


def section() -> str:
    """What the page says about workers without a cluster, with ports that are free here."""
    page = (REPOSITORY / "docs" / "deploy.md").read_text()
    text = page.partition("\n### Workers without a cluster\n")[2].partition("\n## ")[0]
    with contextlib.ExitStack() as stack:
        for port in PORTS:
            assert port in text
            free = stack.enter_context(socket.create_server(("localhost", 0)))
            text = text.replace(port, str(free.getsockname()[1]))
    return text


def of_the_image(home: Path) -> dict[str, str]:
    """The variables of a container, which has no others; its folders are those of this checkout."""
    dockerfile = (REPOSITORY / "kubeflow" / "Dockerfile").read_text()
    (stage,) = re.findall(
        r"^FROM base AS code\n.*?^ENV (.*?)$", dockerfile, re.DOTALL | re.MULTILINE
    )
    found = dict(pair.split("=", 1) for pair in shlex.split(stage))
    places = {"/venv": sys.prefix, "/fairgate": str(REPOSITORY), "/home/fairgate": str(home)}
    for old, new in places.items():
        found = {name: re.sub(rf"(^|:){old}\b", rf"\1{new}", text) for name, text in found.items()}
    return found


@contextlib.contextmanager
def started(command: str, variables: Mapping[str, str], log: Path) -> Iterator[None]:
    """A process beside the test, in an empty folder, with nothing of the test's environment."""
    with log.open("w") as output:
        process = subprocess.Popen(
            shlex.split(command),
            cwd=variables["HOME"],
            env=variables,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        listening(command.split()[-1], process, log)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)  # its workers, too
        process.wait()


def listening(port: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until `process` answers at `port`."""
    for _ in range(1200):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("localhost", int(port)), 1):
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.mark.e2e
def test_workers_elsewhere_need_nothing_but_the_image_and_the_folder_of_the_run(tmp_path):
    text = section()
    servers = re.findall(r"^(python -m .*) &$", text, re.MULTILINE)
    (overlay,) = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "workers.yaml").write_text(overlay)
    home = tmp_path / "home"
    home.mkdir()
    logs = [tmp_path / "jobs.log", tmp_path / "pool.log"]
    table = Table(tmp_path)
    with contextlib.ExitStack() as stack:
        for command, log in zip(servers, logs, strict=True):
            stack.enter_context(started(command, of_the_image(home), log))
        status = table.run(settings=[tmp_path / "workers.yaml"])
    jobs, pool = (log.read_text(errors="replace") for log in logs)
    assert status == 0, (table.newest / "run.log").read_text(errors="replace")[-6000:] + pool[
        -6000:
    ]
    assert jobs.count("with state DONE") == COMPONENTS
    assert pool.count("Starting worker with command") == COMPONENTS
    assert len(table.versions) == 1
