"""docs/from_tfco.md names all of the original, names of FairGate that exist, and programs that run."""

from __future__ import annotations

import inspect
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairgate import optimization as fo

PAGE = Path(__file__).parents[2] / "docs" / "from_tfco.md"
_CALL = re.compile(r"(?P<name>[\w.]+)(?:\((?P<arguments>[\w, ]*)\))?")

# Its __init__.py at commit 723d63f8567aaa988c4ce4761152beee2b462e1d of 2021-07-09, the newest.
PUBLIC = (
    "BinaryClassificationLoss ConstrainedMinimizationProblem ConstrainedOptimizer "
    "ConstrainedOptimizerV1 ConstrainedOptimizerV2 Head HeadV1 HeadV2 HingeLoss KerasLayer "
    "KerasMetricWrapper KerasPlaceholder LagrangianOptimizer LagrangianOptimizerV1 "
    "LagrangianOptimizerV2 Loss MulticlassLoss ProxyLagrangianOptimizer "
    "ProxyLagrangianOptimizerV1 ProxyLagrangianOptimizerV2 RateMinimizationProblem "
    "SoftmaxCrossEntropyLoss SoftmaxLoss ZeroOneLoss accuracy_rate create_lagrangian_loss "
    "create_lagrangian_model_loss create_proxy_lagrangian_loss error_rate f_score "
    "f_score_ratio false_negative_proportion false_negative_rate false_positive_proportion "
    "false_positive_rate find_best_candidate_distribution find_best_candidate_index "
    "inverse_precision_at_recall lower_bound multiclass_rate_context "
    "multiclass_split_rate_context negative_prediction_rate positive_prediction_rate pr_auc "
    "precision precision_at_recall precision_ratio rate_context recall recall_at_precision "
    "roc_auc split_rate_context true_negative_proportion true_negative_rate "
    "true_positive_proportion true_positive_rate upper_bound wrap_rate"
)


def column(number: int) -> Iterator[re.Match[str]]:
    """The calls between backticks in a column of the tables of names."""
    for row in re.findall(r"^\| (?!TFCO)(.*) \|$", PAGE.read_text(), re.MULTILINE):
        cell = re.split(r"(?<!\\)\|", row)[number]
        for span in re.findall(r"`([^`]+)`", cell):
            found = _CALL.fullmatch(span)
            assert found, span
            yield found


def test_every_public_name_of_the_original_is_there():
    named = {call["name"] for call in column(0)}
    assert set(PUBLIC.split()) <= named
    assert {name for name in named if "." not in name} <= set(PUBLIC.split())


@pytest.mark.parametrize("call", list(column(1)), ids=lambda call: call["name"])
def test_every_name_of_fairgate_takes_the_arguments(call):
    found: object = fo
    for part in call["name"].split("."):
        found = getattr(found, part)
    given = [word for word in re.split(", ?", call["arguments"] or "") if word]
    parameters = inspect.signature(found).parameters  # type: ignore[arg-type]
    assert set(given) <= set(parameters)
    needed = [
        name
        for name, parameter in parameters.items()
        if name != "self" and parameter.default is parameter.empty
    ]
    assert set(needed) <= set(given)


@pytest.mark.slow
def test_the_new_programs_print_what_is_shown(capsys, tmp_path):
    pair = r"^```python\n([^`]*)^```\n\n```\n([^`]*)^```$"
    programs = re.findall(pair, PAGE.read_text(), re.MULTILINE)
    assert len(programs) == 2
    for program, output in programs:
        file = tmp_path / "program.py"
        file.write_text(program)
        runpy.run_path(str(file))
        printed = re.findall(r"[\d.]+", capsys.readouterr().out)
        expected = re.findall(r"[\d.]+", output)
        # Machines round differently, and training amplifies it.
        assert [float(x) for x in printed] == pytest.approx([float(x) for x in expected], abs=0.02)
