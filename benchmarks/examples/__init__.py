"""The original library's twelve example problems, as short scripts: `python -m benchmarks.examples`."""

NAMES = (
    "recall_constraint",
    "recall_constraint_keras",
    "recall_constraint_estimator",
    "wiki_toxicity",
    "celeba_fairness",
    "prauc_training",
    "fairness_adult",
    "minibatch_training",
    "oscillation_compas",
    "post_processing",
    "generalization_communities",
    "churn",
)
