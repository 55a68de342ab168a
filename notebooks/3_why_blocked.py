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
# # Why was it blocked, and what to change
#
# A block is an answer: with these data, nobody can promise that this model keeps the limit. There are two
# quite different causes, and they call for different remedies:
#
# | measured value | bound | cause | remedy |
# |---|---|---|---|
# | beyond the limit | beyond | the model is not fair enough | train it otherwise |
# | within the limit | beyond | too little is known of it | more test examples of the smallest group, or a model with room to spare |
#
# `run` names a blocked run (a pipeline, an id, a folder). Left empty it is the newest blocked run in
# `runs`; where there is none, a small one is made with the settings in `example`, in some minutes. `change`
# is what will be set otherwise in the end, such as `trainer.selection.rated_by=gate`; "tighter" halves the limits
# of the training, and draws the synthetic data anew where no attempt is left on their test split; left empty,
# nothing is run.

# %% tags=["parameters"]
run = ""
runs = "runs"
example = "notebooks/why_blocked.yaml"
change = "tighter"
limits = "0.1,0.03,0.01"

# %%
import pathlib
import sys
import fairgate

sys.path.append(str(pathlib.Path(fairgate.__file__).parents[2]))  # the repository
from pipeline import inspect

# %%
blocked = inspect.open_run(run, runs) if run else inspect.newest_blocked(runs)
blocked = blocked or inspect.run_pipeline(settings=[example])
blocked.banner()

# %% [markdown]
# ## Which check failed

# %%
blocked.reasons()

# %%
blocked.gate()

# %%
blocked.checks()

# %% [markdown]
# ## What the bound rests on
#
# A false positive rate is over the negatives of a group. The group with the fewest decides how far the
# bound lies from the value; the size of the whole test split does not help it.

# %%
blocked.support()

# %%
blocked.group_charts()

# %% [markdown]
# ## Is it the model, or the number of examples?
#
# If the same rates were measured on a larger test split, the value would stay and the bound would come
# nearer to it. Where the value lies beyond the limit, no number of examples helps.

# %%
blocked.bound_by_examples()

# %% [markdown]
# What this test split could promise at best, even of a model without any gap:

# %%
blocked.power()

# %% [markdown]
# ## What does a smaller gap cost?
#
# The frontier: one training for each limit on the constraint, from loose to tight, rated on the validation
# split. The test split is not touched, so that looking costs nothing of the gate's promise.

# %%
inspect.draw_frontier(blocked, limits)

# %% [markdown]
# ## What to change

# %%
blocked.advice()

# %% [markdown]
# Three things can be changed:
#
# - **The model.** Train under a tighter limit than the gate's: what the gate wants is the value *and* its
#   uncertainty within the limit. `trainer.selection.rated_by=gate` chooses the snapshot that way.
# - **The test data.** More examples of the group above, which no model was judged on.
# - **The limit.** Only for reasons that have nothing to do with this result.
#
# Another model on the same test split is another attempt: `gate.attempts` says beforehand how many there
# may be, and each is then judged more strictly, so that the promise holds for all of them together. Until one
# passes or the last is blocked, the test split is sealed, and the tables above are of the validation split:
# a model that is changed by the figures of the test split proves nothing there.

# %% [markdown]
# ## Changed, and asked again

# %%
after = inspect.changed(blocked, change)
after.banner()

# %%
inspect.compare(blocked, after)

# %%
after.group_charts()
