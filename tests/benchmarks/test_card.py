"""What is measured of a GPU: the script runs without one, and its page says what was found."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.training import card, contenders, reading, roofline
from benchmarks.training.speeds import Case
from components.constrained_trainer.models import networks
from components.transform.inputs import ModelInput


def measured(**parts) -> dict:
    return {
        "card": "NVIDIA H200",
        "date": "2026-11-29",
        "seconds": 280.0,
        "parts": parts,
        "left out": {"peers": "torch is not installed"},
    }


def speed(case: Case, steps: float, **others) -> dict:
    fields = {name: getattr(case, name) for name in Case.__dataclass_fields__}
    found = {
        "steps_per_second": steps,
        "images_per_second": round(steps * case.batch),
        "compile_seconds": 4.0,
        "operations_per_step": 1e9,
        "bytes_per_step": 1e8,
    }
    return fields | found | others


@pytest.mark.parametrize(
    "case", [Case(), Case("cnn", 64, precision="mixed_bfloat16"), Case(batch=32, jit="off")]
)
def test_a_case_is_said_in_a_word_and_read_again(case):
    assert Case.of(str(case)) == case


def test_the_ratios_that_are_asked_for_are_of_the_same_minibatch():
    free, held = Case(constraints=0), Case()
    found = measured(
        speeds=[speed(free, 1000.0), speed(held, 900.0), speed(Case(batch=32), 5000.0)],
        floor=[{"batch": 512, "steps_per_second": 1250.0}],
    )
    assert list(reading.rows(found)) == [
        ("constrained / unconstrained, batch 512", "900 / 1,000 steps/s", "0.90", ">= 0.9"),
        ("unconstrained / the floor in JAX, batch 512", "1,000 / 1,250 steps/s", "0.80", ">= 0.8"),
    ]


def test_a_page_names_the_card_what_binds_and_what_was_left_out(tmp_path):
    peaks = [{"precision": "float32", "operations": 1e12, "bytes": 1e12}]
    cases = [speed(Case(), 500.0), speed(Case("cnn", 64), 1.0, failed="OutOfMemory")]
    page = card.write(measured(speeds=cases, peaks=peaks), tmp_path)
    assert page.name == "2026-11-29-nvidia-h200.md"
    assert json.loads(page.with_suffix(".json").read_text())["card"] == "NVIDIA H200"
    text = page.read_text()
    # 1e9 operations at 1e12 a second are 1 ms: half of the time of a step at 500 steps/s.
    assert "50% of arithmetic" in text and "failed: OutOfMemory" in text
    assert "- peers: torch is not installed" in text


def test_what_a_step_needs_at_least_is_counted():
    model = networks.build("mlp", {"image": ModelInput((28, 28, 3), "uint8")}, seed=0)
    need = roofline.of_a_step(model, 10, "float32")
    weights = 2352 * 64 + 64
    assert need.operations == 3 * 10 * 2 * weights
    read_and_written = 10 * (2352 + 64) + 10 * (64 + 1) + weights
    with_biases = weights + 64 + 1
    assert need.bytes == 3 * 4 * read_and_written + 10 * 2352 + 36 * with_biases
    assert roofline.of_a_step(model, 10, "mixed_bfloat16").bytes < need.bytes


def test_what_takes_too_long_or_fails_is_left_out_with_its_reason():
    def run(code: str, seconds: float):
        return card._answers(["-c", code], seconds)

    said = "print('{\"a\": 1}', flush=True)"
    assert run(said, 30) == ([{"a": 1}], "")
    assert run(f"{said}\nraise SystemExit('no card')", 30)[1].endswith("status 1: no card")
    answers, why = run(f"{said}\nimport time; time.sleep(60)", 3)
    assert (answers, why) == ([{"a": 1}], "there was no time for all of it")


def test_contenders_are_alone_on_a_gpu(monkeypatch):
    """The first has ended before the second begins."""
    processes: list[subprocess.Popen] = []
    code = (
        "print('ready', flush=True)\nfor line in __import__('sys').stdin: print('{}', flush=True)"
    )

    def start(self, errors):
        assert all(process.poll() is not None for process in processes)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
        processes.append(subprocess.Popen([sys.executable, "-c", code], text=True, **pipes))
        return processes[-1]

    monkeypatch.setattr(contenders, "cards", lambda: ("NVIDIA H200",))
    monkeypatch.setattr(contenders.Contender, "start", start)
    kinds = {name: contenders.Contender(name, ()) for name in ("one", "two")}
    assert contenders.race(kinds, 2, 0.1) == {"one": [{}, {}], "two": [{}, {}]}
    assert len(processes) == 2


@pytest.mark.slow
def test_little_of_everything_is_measured_on_a_cpu(tmp_path):
    command = ["-m", "tests.benchmarks.forked_card", "--small", "--seconds", "900"]
    subprocess.run([sys.executable, *command, "--folder", str(tmp_path)], check=True)
    [file] = tmp_path.glob("*.json")
    found = json.loads(file.read_text())
    missing = {"floor", "peers"}  # JAX and PyTorch are of other environments
    assert set(found["left out"]) <= missing
    assert set(found["parts"]) >= set(card.Plan().parts) - missing
    [same] = found["parts"]["agreement"]
    assert same["weights"] == 0, "a CPU agrees with itself to the digit"
    [page] = tmp_path.glob("*.md")
    assert "constrained / unconstrained, batch 32" in page.read_text()
