"""The pipeline on a cluster: Vertex AI Pipelines, or open-source Kubeflow Pipelines.

requirements.py         what a cluster can not do is refused before anything is written
compiling.py            settings -> specifications
jobs.py                 settings -> trainer jobs of their own
endpoints.py            settings -> a push that goes on to an endpoint
runs.py                 submit, watch, cancel
noise.py                what libraries say, kept back
kubeflow_entrypoint.py  what containers run on open-source Kubeflow Pipelines
"""
