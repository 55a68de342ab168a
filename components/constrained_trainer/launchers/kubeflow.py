"""Executor of ConstrainedTrainer that trains in a TFJob of Kubeflow's training operator (v1)."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import kubernetes
import urllib3
from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor

from components.constrained_trainer.launchers import staging, waiting
from components.constrained_trainer.launchers.command import WORKERS, worker_command
from components.constrained_trainer.launchers.config import KubeflowJob
from fairgate.errors import SettingsError

_PORT = 2222
_USER = 1000  # of the image (kubeflow/Dockerfile)
_KEPT_SECONDS = 24 * 3600  # a job that ended can be looked at for a day
_RESTARTS = 10  # evictions survived; the trainer goes on from its checkpoint


class Executor(base_executor.BaseExecutor):
    """Starts the job, shows the chief's log, waits, deletes the job when this component is cancelled."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `component.ConstrainedTrainer`.

        Raises:
          RuntimeError: the job failed; names it and what the operator says.
          SettingsError: the cluster takes no such job.
          interruption.Stopped: SIGTERM arrived; the job has been deleted.
        """
        job = KubeflowJob.model_validate_json(exec_properties[WORKERS])
        with staging.within_reach(input_dict, output_dict, exec_properties, job.volumes) as reached:
            run(tf_job(job, worker_command(*reached, exec_properties)), job.namespace)


def tf_job(job: KubeflowJob, command: list[str]) -> dict[str, Any]:
    """The TFJob, as a dictionary, of `job.replicas` workers that run `command`.

    The operator tells the workers of each other by TF_CONFIG; worker 0 is the chief. Its name follows
    from what it does, so that a component that was killed and is tried again finds its job.
    """
    limits = {"cpu": f"{job.cpu:g}", "memory": f"{job.memory_gb:g}G"}
    if job.accelerators:
        limits[job.accelerator_resource] = str(job.accelerators)
    container = {
        "name": "tensorflow",  # the operator looks for this name
        "image": job.image,
        "command": command,
        "ports": [{"name": "tfjob-port", "containerPort": _PORT}],
        "resources": {"requests": dict(limits), "limits": limits},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": f"shared-{index}", "mountPath": volume.path}
            for index, volume in enumerate(job.volumes)
        ],
    }
    pod = {
        "containers": [container],
        "securityContext": {"runAsNonRoot": True, "runAsUser": _USER, "fsGroup": _USER},
        "nodeSelector": job.node_selector,
        "tolerations": list(job.tolerations),
        "imagePullSecrets": [{"name": name} for name in job.image_pull_secrets],
        "volumes": [
            {
                "name": f"shared-{index}",
                "persistentVolumeClaim": {"claimName": volume.claim},
            }
            for index, volume in enumerate(job.volumes)
        ],
    }
    if job.service_account:
        pod["serviceAccountName"] = job.service_account
    spec = {
        "runPolicy": {
            # Workers that outlive the chief have nothing left to do.
            "cleanPodPolicy": "Running",
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "activeDeadlineSeconds": round(job.hours * 3600),
            "backoffLimit": _RESTARTS,
        },
        "tfReplicaSpecs": {
            "Worker": {
                "replicas": job.replicas,
                # 143 (evicted) is tried again, 1 (an error) is not.
                "restartPolicy": "ExitCode",
                "template": {
                    # A mesh's sidecar would stand between the workers, and never end.
                    "metadata": {"annotations": {"sidecar.istio.io/inject": "false"}},
                    "spec": pod,
                },
            }
        },
    }
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "TFJob",
        "metadata": {
            "name": f"fairgate-trainer-{digest}",
            "namespace": job.namespace,
            "labels": {"app.kubernetes.io/part-of": "fairgate"},
        },
        "spec": spec,
    }


def run(body: dict[str, Any], namespace: str) -> None:
    """Creates the TFJob and waits for its end; see `Executor.Do`."""
    _connect()
    jobs = kubernetes.client.CustomObjectsApi()
    name = body["metadata"]["name"]
    of_job = {
        "group": "kubeflow.org",
        "version": "v1",
        "namespace": namespace,
        "plural": "tfjobs",
    }
    _create(jobs, of_job, body | {"metadata": body["metadata"] | _owner()})
    log = _ChiefLog(f"{name}-worker-0", namespace)

    def has_ended() -> bool:
        state = _state(_get(jobs, of_job, name))
        log.show()
        if state.get("type") == "Failed":
            raise RuntimeError(
                f"TFJob {namespace}/{name} failed: {state.get('message', 'no reason given')} "
                f"(kubectl -n {namespace} describe tfjob {name})"
            )
        return state.get("type") == "Succeeded"

    waiting.wait(
        has_ended,
        cancel=lambda: jobs.delete_namespaced_custom_object(**of_job, name=name),
        transient=(urllib3.exceptions.HTTPError, ConnectionError),
    )
    logging.info("TFJob %s/%s succeeded", namespace, name)


def _connect() -> None:
    """By the pod's own service account, or by a kubeconfig outside a cluster."""
    try:
        kubernetes.config.load_incluster_config()
    except kubernetes.config.ConfigException:
        kubernetes.config.load_kube_config(os.environ.get("KUBECONFIG"))


def _get(
    jobs: kubernetes.client.CustomObjectsApi, of_job: dict[str, str], name: str
) -> dict[str, Any]:
    try:
        return jobs.get_namespaced_custom_object(**of_job, name=name)
    except kubernetes.client.ApiException as error:
        if error.status == 404:
            raise RuntimeError(
                f"TFJob {of_job['namespace']}/{name} was deleted by someone else"
            ) from None
        if error.status >= 500:
            raise ConnectionError(f"{error.status} {error.reason}") from error
        raise


def _create(
    jobs: kubernetes.client.CustomObjectsApi, of_job: dict[str, str], body: dict[str, Any]
) -> None:
    """Creates the job, or finds the one that an earlier try of this component left running."""
    name = body["metadata"]["name"]
    try:
        jobs.create_namespaced_custom_object(**of_job, body=body)
    except kubernetes.client.ApiException as error:
        if error.status == 409:
            found = jobs.get_namespaced_custom_object(**of_job, name=name)
            if _state(found).get("type") != "Failed":
                logging.info("TFJob %s is there already: waiting for it", name)
                return
            _replace(jobs, of_job, body)
        elif error.status in (403, 404):
            raise SettingsError(
                f"TFJob {of_job['namespace']}/{name} was refused ({error.status} {error.reason}): "
                + (
                    "this component's service account may not create TFJobs; apply kubeflow/rbac.yaml"
                    if error.status == 403
                    else "the cluster knows no TFJob; install Kubeflow's training operator (v1)"
                )
            ) from None
        else:
            raise
    logging.info("TFJob %s/%s created", of_job["namespace"], name)


def _replace(
    jobs: kubernetes.client.CustomObjectsApi, of_job: dict[str, str], body: dict[str, Any]
) -> None:
    """Puts the job in the place of one that failed."""
    name = body["metadata"]["name"]
    jobs.delete_namespaced_custom_object(**of_job, name=name)

    def is_gone() -> bool:
        try:
            jobs.get_namespaced_custom_object(**of_job, name=name)
        except kubernetes.client.ApiException as error:
            return error.status == 404
        return False

    waiting.wait(is_gone, cancel=lambda: None, transient=(urllib3.exceptions.HTTPError,))
    jobs.create_namespaced_custom_object(**of_job, body=body)


def _owner() -> dict[str, Any]:
    """Makes the job go when the pod of this component goes; Kubeflow Pipelines says which that is."""
    name, uid = os.environ.get("KFP_POD_NAME"), os.environ.get("KFP_POD_UID")
    if not (name and uid):
        return {}
    pod = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}
    return {"ownerReferences": [pod]}


def _state(job: dict[str, Any]) -> dict[str, Any]:
    """The condition that says how the job ended, or {}."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["status"] == "True" and condition["type"] in ("Succeeded", "Failed"):
            return condition
    return {}


class _ChiefLog:
    """Prints what is new in a pod's log."""

    def __init__(self, pod: str, namespace: str):
        self._pods = kubernetes.client.CoreV1Api()
        self._pod = {"name": pod, "namespace": namespace}
        self._shown = ""  # the time stamp of the last line

    def show(self) -> None:
        recent = {"since_seconds": round(4 * waiting.POLL_SECONDS) + 1} if self._shown else {}
        try:
            text = self._pods.read_namespaced_pod_log(**self._pod, timestamps=True, **recent)
        except kubernetes.client.ApiException:
            return  # not started yet, or being restarted
        for line in text.splitlines():
            stamp, _, message = line.partition(" ")
            if stamp > self._shown:
                print(message, flush=True)
                self._shown = stamp
