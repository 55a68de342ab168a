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
# # Inspect a run
#
# Everything that a run of the pipeline left behind: the verdict, the models group by group, the data
# behind them, and which artifact was made of which. Every number is read from the run's artifacts.
#
# `run` is the name of a pipeline (its newest run), the id or the folder of a run, or the pipeline root
# of a cluster (`gs://...` too). Left empty it is the newest run with a verdict in `runs`.

# %% tags=["parameters"]
run = ""
runs = "runs"

# %%
import pathlib
import sys
import fairgate

sys.path.append(str(pathlib.Path(fairgate.__file__).parents[2]))  # the repository
from pipeline import inspect

# %%
opened = inspect.open_run(run, runs)
opened.banner()

# %% [markdown]
# ## What was decided
#
# The gate looks at the **bound**, not at the value: what the true rates may be, at the confidence given,
# after what the test split showed. A model passes when every bound is within its limit.

# %%
opened.gate()

# %%
opened.checks()

# %%
opened.reasons()

# %% [markdown]
# ## Group by group
#
# A bar is a 95% interval: as wide as its group is small. Where the bars of two groups overlap widely, the
# test split cannot tell the groups apart.

# %%
opened.group_charts()

# %%
opened.groups()

# %% [markdown]
# ## The evaluation
#
# The Evaluator's results, read by TensorFlow Model Analysis: one row for each slice.

# %%
opened.evaluated("false_positive_rate@0.50", "false_negative_rate@0.50", "example_count")

# %% [markdown]
# The Fairness Indicators element, with both models. Tick other metrics on the left; a click on a slice
# makes it the one that others are compared with. (It stands in a frame of its own: the widget that TFMA
# installs for notebooks draws nothing in JupyterLab 4.)

# %%
opened.indicators()

# %% [markdown]
# ## Beyond one threshold
#
# How well the scores rank the examples of each group, and whether a score means the same in each: of those
# with score 0.8, 80% should be positive.

# %%
opened.score_charts()

# %%
opened.at_equal_overall_rate()

# %% [markdown]
# ## The data
#
# How many examples there are of each group and label, from TensorFlow Data Validation's statistics. The
# group with the fewest decides what can be promised.

# %%
opened.size_charts()

# %%
opened.sizes()

# %% [markdown]
# Statistics of every column, everybody beside each group (Facets Overview). A column that looks different
# in one group is a place to search for the reason of a gap.

# %%
opened.facets("train")

# %% [markdown]
# ## Training
#
# Both trainings over their steps. Snapshots were rated on the validation split; the one that was chosen is
# marked.

# %%
opened.training()

# %% [markdown]
# ## Where it all comes from
#
# ML Metadata records what each step read and made. `reused` says that nothing the step depends on had
# changed, so that an earlier result stands.

# %%
opened.lineage()

# %%
opened.made_of("Pusher", "pushed_model")

# %%
opened.artifacts()

# %% [markdown]
# Two runs with the same digests below had the same data, settings and code.

# %%
opened.versions()

# %%
opened.steps()
