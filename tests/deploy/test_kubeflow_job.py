"""The TFJob: what it says, and how its creation, its end, its failure and its cancelling go."""

from __future__ import annotations

import os
import signal
import threading
import time

import kubernetes
import pytest

from components.constrained_trainer.launchers import kubeflow, waiting
from components.constrained_trainer.launchers.config import KubeflowJob
from components.constrained_trainer.running import interruption
from fairgate.errors import SettingsError
from pipeline.clusters import jobs
from pipeline.settings import load
from tests.deploy.kubernetes_api import Cluster, serving

SETTINGS = [
    "deploy.image=registry.example/fairgate:1",
    "deploy.trainer={job: true, replicas: 2, accelerators: 1, cpu: 7.5, hours: 2,"
    " image: registry.example/fairgate:1-cuda}",
    "deploy.kubeflow={namespace: team, service_account: trainer,"
    " volumes: [{claim: shared, path: /mnt/shared}], image_pull_secrets: [registry],"
    " trainer_nodes: {node_selector: {gpu: t4}, tolerations: [{key: gpu, effect: NoSchedule}]}}",
]

# Fields of TFJob v1, from the CRD that the training operator publishes
# (kubeflow/training-operator, manifests/base/crds/kubeflow.org_tfjobs.yaml).
SPEC = {"enableDynamicWorker", "runPolicy", "successPolicy", "tfReplicaSpecs"}
RUN_POLICY = {
    "activeDeadlineSeconds": int,
    "backoffLimit": int,
    "cleanPodPolicy": str,
    "schedulingPolicy": dict,
    "suspend": bool,
    "ttlSecondsAfterFinished": int,
}
REPLICA_SPEC = {"replicas": int, "restartPolicy": str, "template": dict}
RESTARTS = {"Always", "OnFailure", "Never", "ExitCode"}


def kubernetes_object(body: dict, kind: str):
    """The body as the kubernetes client's model `kind`; fails on a field that the model has not."""
    client = kubernetes.client.ApiClient()

    class Response:
        data = __import__("json").dumps(body)

    model = client.deserialize(Response, kind)
    assert client.sanitize_for_serialization(model) == body, "a field is not one of Kubernetes"
    return model


def settings_job() -> KubeflowJob:
    return jobs.kubeflow_job(load([], SETTINGS))


@pytest.fixture
def body() -> dict:
    return kubeflow.tf_job(settings_job(), ["python", "-c", "pass"])


def test_the_job_has_the_fields_of_the_published_schema(body):
    assert (body["apiVersion"], body["kind"]) == ("kubeflow.org/v1", "TFJob")
    assert set(body["spec"]) <= SPEC
    for field, value in body["spec"]["runPolicy"].items():
        assert isinstance(value, RUN_POLICY[field]), field
    [(kind, replicas)] = body["spec"]["tfReplicaSpecs"].items()
    assert kind == "Worker" and replicas["restartPolicy"] in RESTARTS
    for field, value in replicas.items():
        assert isinstance(value, REPLICA_SPEC[field]), field
    pod = kubernetes_object(replicas["template"], "V1PodTemplateSpec")
    [container] = pod.spec.containers
    assert container.name == "tensorflow", "the operator sets TF_CONFIG in this container alone"


def test_the_job_is_what_the_settings_ask_for(body):
    worker = body["spec"]["tfReplicaSpecs"]["Worker"]
    pod = worker["template"]["spec"]
    [container] = pod["containers"]
    assert worker["replicas"] == 2
    assert container["image"] == "registry.example/fairgate:1-cuda"
    assert container["resources"]["limits"] == {
        "cpu": "7.5",
        "memory": "30G",
        "nvidia.com/gpu": "1",
    }
    assert pod["nodeSelector"] == {"gpu": "t4"}
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert container["volumeMounts"] == [{"name": "shared-0", "mountPath": "/mnt/shared"}]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert body["spec"]["runPolicy"]["activeDeadlineSeconds"] == 7200
    assert body["metadata"]["namespace"] == "team" and pod["serviceAccountName"] == "trainer"


def test_the_same_work_has_the_same_name_and_other_work_another():
    job = settings_job()
    names = [kubeflow.tf_job(job, ["python", word])["metadata"]["name"] for word in "aab"]
    assert names[0] == names[1] != names[2]


def test_a_minibatch_that_the_devices_cannot_share_is_refused():
    tree = load([], [*SETTINGS, "trainer.batch_size=33"])
    from pipeline.dag import create_pipeline

    with pytest.raises(SettingsError, match=r"trainer.batch_size = 33 .* a multiple of 2"):
        jobs.train_in_jobs(create_pipeline(tree), tree, "kubeflow")


@pytest.fixture
def api(tmp_path, monkeypatch):
    """Starts a cluster with the given steps; what runs in it is quick."""
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.02)
    started = []

    def start(*steps, **more) -> Cluster:
        cluster = Cluster(list(steps), **more)
        context = serving(cluster, tmp_path)
        monkeypatch.setenv("KUBECONFIG", str(context.__enter__()))
        started.append(context)
        return cluster

    yield start
    for context in started:
        context.__exit__(None, None, None)


def test_it_waits_for_the_end_and_shows_each_line_of_the_log_once(api, body, capsys):
    cluster = api(
        ("Created", []),
        ("Running", ["step 1 of 2"]),
        ("Running", ["step 2 of 2"]),
        ("Succeeded", ["done"]),
    )
    kubeflow.run(body, "team")
    assert capsys.readouterr().out.splitlines() == ["step 1 of 2", "step 2 of 2", "done"]
    assert cluster.methods() == ["POST", "GET"]
    assert cluster.asked[0] == ("POST", "/apis/kubeflow.org/v1/namespaces/team/tfjobs")
    assert list(cluster.jobs.values()) == [body]


def test_a_job_that_fails_is_an_error_with_what_the_operator_says(api, body):
    api(("Running", []), ("Failed", ["FloatingPointError"]))
    with pytest.raises(RuntimeError, match=r"TFJob team/\S+ failed: the job is Failed"):
        kubeflow.run(body, "team")


def test_being_cancelled_deletes_the_job(api, body):
    cluster = api(("Running", []))
    handled = signal.getsignal(signal.SIGTERM)

    def cancel_when_running() -> None:
        while not any(method == "GET" for method, _ in cluster.asked):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=cancel_when_running)
    thread.start()
    with pytest.raises(interruption.Stopped):
        kubeflow.run(body, "team")
    thread.join()
    assert cluster.jobs == {} and cluster.methods() == ["POST", "GET", "DELETE"]
    assert signal.getsignal(signal.SIGTERM) == handled


def test_a_second_try_waits_for_the_job_of_the_first(api, body):
    cluster = api(("Running", []), ("Succeeded", []))
    cluster.jobs[body["metadata"]["name"]] = body
    kubeflow.run(body, "team")
    assert cluster.methods() == ["POST", "GET"]


def test_a_second_try_replaces_a_job_that_failed(api, body):
    cluster = api(("Failed", []), ("Running", []), ("Succeeded", []))
    cluster.jobs[body["metadata"]["name"]] = body
    kubeflow.run(body, "team")
    assert cluster.methods() == ["POST", "GET", "DELETE", "GET", "POST", "GET"]


def test_an_api_that_is_away_for_a_moment_is_asked_again(api, body):
    api((503, []), (500, []), ("Succeeded", []))
    kubeflow.run(body, "team")


def test_a_job_that_somebody_deleted_is_an_error(api, body, monkeypatch):
    cluster = api(("Running", []))
    monkeypatch.setattr(kubeflow._ChiefLog, "show", lambda self: cluster.jobs.clear())
    with pytest.raises(RuntimeError, match="was deleted by someone else"):
        kubeflow.run(body, "team")


@pytest.mark.parametrize(
    ("status", "advice"), [(403, "apply kubeflow/rbac.yaml"), (404, "training operator")]
)
def test_a_refused_job_says_what_to_do(api, body, status, advice):
    api(("Running", []), refuse=status)
    with pytest.raises(SettingsError, match=advice):
        kubeflow.run(body, "team")


def test_the_job_belongs_to_the_pod_that_started_it(api, body, monkeypatch):
    monkeypatch.setenv("KFP_POD_NAME", "step-1")
    monkeypatch.setenv("KFP_POD_UID", "42")
    cluster = api(("Succeeded", []))
    kubeflow.run(body, "team")
    [job] = cluster.jobs.values()
    assert job["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "step-1", "uid": "42"}
    ]
