"""Networks of a user's own are tried before anything else."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.models import networks
from components.constrained_trainer.models.trying import require_usable
from components.features import Features, ImageFeature
from components.transform.inputs import IMAGE, ModelInput
from fairgate.errors import SettingsError

OWN = "tests.components.constrained_trainer.own_networks"
FEATURES = Features(image=ImageFeature(height=8, width=8))
GIVEN = {IMAGE: ModelInput((8, 8, 3), "uint8")}
USABLE = ("right", "tanh", "subclassed", "without_input", "named_output", "nested_convolution")


def try_out(name: str, **settings) -> None:
    require_usable(TrainingConfig(network=f"{OWN}:{name}", **settings), FEATURES)


@pytest.mark.parametrize("name", USABLE)
def test_what_is_right_is_used_whatever_kind_of_model_it_is(name):
    try_out(name)
    model = networks.build(f"{OWN}:{name}", GIVEN, seed=0)
    assert model.output_shape == (None, 1)
    rows = np.zeros((3, 8, 8, 3), np.uint8)
    assert networks.predictor(model)({IMAGE: rows}).shape == (3, 1)


@pytest.mark.parametrize("name", ["flip", "contrast", "dropout"])
def test_layers_with_seeds_are_trained_and_exported(name):
    try_out(name, jit="off")


@pytest.mark.filterwarnings("ignore:You are using a softmax")  # so Keras says, too
@pytest.mark.parametrize("name", ["sigmoid", "relu", "softmax", "probability_in_a_layer"])
def test_what_says_yes_to_everybody_is_no_score(name):
    with pytest.raises(SettingsError, match=r"never below 0.*take the activation"):
        try_out(name)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("two_classes", ["(None, 2)", "one real score"]),
        ("two_outputs", ["2 outputs", "one real score"]),
        ("nothing", ["NoneType", "Return the model"]),
        ("typo", ["own_networks.py, line", "Denze"]),
        ("wrong_name", ["own_networks.py, line", "NameError", "undefined"]),
        ("no_such", ["no_such", "module:function"]),
    ],
)
def test_what_is_wrong_is_told_with_the_users_own_line(name, parts):
    with pytest.raises(SettingsError) as error:
        try_out(name)
    for part in [f"{OWN}:{name}", *parts]:
        assert part in str(error.value)


def test_what_xla_cannot_do_names_the_way_out():
    with pytest.raises(SettingsError, match=r"cannot be trained.*set trainer\.jit to off"):
        try_out("not_for_xla", jit="on")
    try_out("not_for_xla", jit="off")


@pytest.mark.parametrize(
    ("name", "has"),
    [("nested_convolution", True), ("subclassed", True), ("called_conv", False), ("right", False)],
)
def test_a_convolution_is_known_by_what_is_computed(name, has):
    model = networks.build(f"{OWN}:{name}", GIVEN, seed=0)
    assert networks.uses_convolution(model) is has


def test_built_in_networks_need_no_trial():
    require_usable(TrainingConfig(network="mlp"), FEATURES)


def test_a_table_is_made_up_too():
    table = Features(image=None, numeric=["age"], categorical=["job"])
    name = "tests.components.constrained_trainer.models.test_networks:of_two_inputs"
    require_usable(TrainingConfig(network=name), table)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("def f(:\n", "broken_one.py, line 1"),
        ("import keras\n\nraise RuntimeError('not today')\n", "line 3: RuntimeError: not today"),
        ("from no_such_module import x\n", "no_such_module"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told(tmp_path, monkeypatch, text, part):
    (tmp_path / "broken_one.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SettingsError, match=r"broken_one:f") as error:
        networks.build("broken_one:f", GIVEN, seed=0)
    assert part in str(error.value)


def test_a_file_whose_name_another_module_has_is_told(tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("def betavariate(shape): ...\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="Give the file another name"):
        networks.build("random:betavariate", GIVEN, seed=0)
    assert Path(sys.modules["random"].__file__) != tmp_path / "random.py"
