# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From pictures to a fair pair of models
#
# A network learns to see whether somebody smiles. It turns out to say so wrongly more often of people who
# are not young. A second network learns the same under a constraint on that difference; then both are put
# side by side, and the gate is asked.
#
# **Data.** Left empty, `data` is the synthetic stand-in for CelebA: drawn faces, made here if they are
# missing, which say nothing about people. For the real set give the folder that TensorFlow Datasets
# prepared (`.../celeb_a/2.1.0`). CelebA is for non-commercial research only, and its attributes are
# binary judgements of annotators, *Young* as much as *Smiling*: they do not describe how diverse people
# are, and nobody in the pictures was asked.

# %% tags=["parameters"]
data = ""
images = 20000
steps = 1500
constraint = "max_gap(FPR, [Young]) <= 0.02"
limit = 0.1

# %%
import pathlib
import sys
import fairgate

sys.path.append(str(pathlib.Path(fairgate.__file__).parents[2]))  # the repository
from pipeline import inspect

# %%
examples = inspect.load_examples(data, images)

# %% [markdown]
# ## Look at the data first

# %%
examples.pictures()

# %% [markdown]
# Each picture comes with 40 attributes and the places of eyes, nose and mouth. *Smiling* is what is predicted;
# *Young* divides the pictures into the groups that are compared.

# %%
examples.table()

# %% [markdown]
# Groups differ in size and in how many of them smile. A model that is right about most pictures may still
# be wrong about the smaller group.

# %%
examples.size_charts()

# %%
examples.sizes()

# %% [markdown]
# ## Without constraints
#
# The network sees 28 x 28 pixels: one layer of 64 units and an output. It minimises the error over
# everybody.

# %%
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.training import train

free = TrainingConfig(constraints=(), steps=steps, snapshots=15)
baseline = train(examples.train, examples.validation, free)
f"error on the validation split: {baseline.chosen.error_rate:.3f}"

# %% [markdown]
# ## With a constraint
#
# The same network, the same data, and one line more. Two players train: the network lowers the error plus
# what violations cost, and the multipliers raise the price of whatever is violated (Cotter, Jiang and
# Sridharan, 2019). For a loop of your own, or `model.fit`, see `docs/constrained_optimization.md`.

# %%
constrained = train(
    examples.train, examples.validation, free.model_copy(update={"constraints": (constraint,)})
)
f"error on the validation split: {constrained.chosen.error_rate:.3f}"

# %%
inspect.training_charts(baseline, constrained)

# %% [markdown]
# ## Side by side, on pictures that neither has seen
#
# A *false positive* is somebody who does not smile and is said to. The rate is over those who do not smile
# in a group, so that groups of different size, or with more or fewer smiles, can be compared.

# %%
pair = inspect.judge(
    {"baseline": baseline.model, "constrained": constrained.model}, examples, constraint, limit
)
pair.group_charts()

# %%
pair.groups()

# %% [markdown]
# The same in the Fairness Indicators element: both models, each group, at three thresholds.

# %%
pair.indicators()

# %% [markdown]
# A gap also shrinks when a model simply says Yes less often. So here is the baseline once more, at the
# threshold at which it is as often wrong about everybody as the constrained model is: what is left of the
# difference is what training under the constraint has done.

# %%
pair.at_equal_overall_rate()

# %% [markdown]
# ## What the gate says
#
# Before a model is served, the pipeline asks whether its gap is within a limit, and it does not ask the
# measured value. It asks the bound: the largest gap that is still plausible, at 95% confidence, after what
# so many pictures have shown.

# %%
pair.banner()

# %%
pair.gate()

# %% [markdown]
# ## Why a value is not a bound
#
# Take a model that is *not* fair enough: its true gap is a quarter over the limit. Measure it again and
# again, each time on another test split as large as this one. Its value is often within the limit, by luck.
# Its bound hardly ever is: that is the promise.

# %%
measured = inspect.many_test_splits(pair, true_gap=1.25 * limit)
measured.table()

# %%
measured.chart()

# %% [markdown]
# More test pictures of the smaller group make the bound narrower. Which limit can be promised with how many
# is known before anything is trained:

# %%
pair.power()
