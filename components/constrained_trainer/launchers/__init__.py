"""Executors that train in a job of its own: Vertex AI's CustomJob, Kubeflow's TFJob.

Either starts workers that run the component's own executor, and waits for them.
"""
