"""The components of the pipeline, one folder for each."""

import os

# TensorFlow takes all memory of every GPU that it sees, unless it is told before it starts. Here, which
# whatever uses TensorFlow passes, so that trainer, Evaluator and Report, and the processes that they
# start, can share one.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
