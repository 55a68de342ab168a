"""What the platforms make of a job: which processes run, with which command and TF_CONFIG."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from google.cloud import aiplatform_v1

# (command, TF_CONFIG) of one process.
Process = tuple[list[str], str]


def of_tf_job(body: dict, ports: Sequence[int]) -> list[Process]:
    """Kubeflow's operator: workers alone; the services that have their names are loopback here."""
    worker = body["spec"]["tfReplicaSpecs"]["Worker"]
    [container] = worker["template"]["spec"]["containers"]
    count = worker["replicas"]
    addresses = [f"localhost:{port}" for port in ports[:count]]
    return [
        (
            [_expanded(part) for part in container["command"]],
            json.dumps(
                {
                    "cluster": {"worker": addresses},
                    "task": {"type": "worker", "index": index},
                    "environment": "cloud",
                }
            ),
        )
        for index in range(count)
    ]


def of_custom_job(job: aiplatform_v1.CustomJob, ports: Sequence[int]) -> list[Process]:
    """Vertex AI: the first pool is the chief, the second the workers."""
    addresses = iter(f"localhost:{port}" for port in ports)
    pools = dict(zip(("chief", "worker"), job.job_spec.worker_pool_specs, strict=False))
    cluster = {
        kind: [next(addresses) for _ in range(pool.replica_count)] for kind, pool in pools.items()
    }
    return [
        (
            [_expanded(part) for part in pool.container_spec.command],
            json.dumps(
                {
                    "cluster": cluster,
                    "task": {"type": kind, "index": index, "trial": ""},
                    "environment": "cloud",
                }
            ),
        )
        for kind, pool in pools.items()
        for index in range(pool.replica_count)
    ]


def _expanded(text: str) -> str:
    """As Kubernetes and Vertex expand a command where no variable has a value: `$$` is `$`."""
    return re.sub(r"\$\$", "$", text)
