"""A push to a Vertex AI endpoint: only what is blessed, once; nothing that is in use is taken away."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from google.cloud import aiplatform_v1

from components import vertex as vertex_ai
from components.evaluator.digests import files_digest
from components.evaluator.stamp import StaleBlessing
from components.pusher import vertex
from components.pusher.endpoint import Endpoint
from fairgate.errors import SettingsError
from pipeline.clusters import compiling, endpoints, requirements
from pipeline.settings import load
from tests.components.pusher.test_executor import numbers, push
from tests.deploy.commands import REPOSITORY
from tests.deploy.vertex_api import Serving, listening

SETTINGS = [
    "data.path=gs://bucket/data",
    "deploy.image=registry.example/fairgate:1",
    "deploy.pipeline_root=gs://bucket/runs",
    "deploy.serving=gs://bucket/serving",
    "deploy.vertex={project: p, region: europe-west4, service_account: a@p, labels: {team: faces}}",
    "deploy.vertex.endpoint={name: faces, image: registry.example/serving:1, most_replicas: 3}",
]
HOME = "projects/p/locations/europe-west4"


@pytest.fixture
def endpoint() -> Endpoint:
    return endpoints.vertex_endpoint(load([], SETTINGS))


@pytest.fixture
def api(monkeypatch):
    with contextlib.ExitStack() as stack:

        def start(**how) -> Serving:
            service = Serving(**how)
            address = stack.enter_context(listening(service.services()))
            monkeypatch.setenv(vertex_ai.ADDRESS, address)
            return service

        yield start


@pytest.fixture
def pushing(tmp_path, endpoint):
    """Pushes a model with this content to the endpoint, as the component does."""

    def run(content: str = "one", blessed: bool = True, to: Endpoint = endpoint, **more):
        return push(
            tmp_path,
            tmp_path / "serving" / "smiling",
            blessed,
            content,
            executor=vertex.Executor,
            endpoint=to.model_dump_json(),
            **more,
        )

    return run


def test_a_blessed_model_goes_to_its_folder_and_from_there_to_the_endpoint(api, pushing):
    service = api()
    pushed = pushing()
    folder = pushed.get_string_custom_property("pushed_destination")
    [version] = service.versions[f"{HOME}/models/smiling"]
    assert version.artifact_uri == folder and Path(folder, "saved_model.pb").is_file()
    assert version.container_spec.image_uri == "registry.example/serving:1"
    [request] = service.deployments
    assert request.endpoint == f"{HOME}/endpoints/faces" and request.traffic_split == {"0": 100}
    deployed = request.deployed_model
    assert deployed.model == f"{HOME}/models/smiling@1" and deployed.service_account == "a@p"
    resources = deployed.dedicated_resources
    assert resources.machine_spec.machine_type == "n1-standard-2"
    assert (resources.min_replica_count, resources.max_replica_count) == (1, 3)
    assert pushed.get_string_custom_property("endpoint") == request.endpoint
    assert pushed.get_string_custom_property("endpoint_model") == deployed.model


def test_without_a_blessing_vertex_is_not_asked_at_all(api, pushing, tmp_path):
    service = api()
    pushed = pushing(blessed=False)
    assert service.asked == [] and not (tmp_path / "serving").exists()
    assert pushed.get_int_custom_property("pushed") == 0
    assert not pushed.get_string_custom_property("endpoint")


@pytest.mark.parametrize("name", ["model_files", "test_digest", "gate_digest"])
def test_nor_on_a_blessing_for_something_else(api, pushing, name):
    service = api()
    with pytest.raises(StaleBlessing):
        pushing(given_for={name: "0" * 32})
    assert service.asked == []


def test_each_model_is_a_version_and_the_one_before_stays_to_go_back_to(api, pushing):
    service = api()
    for content in ("one", "two", "three"):
        pushing(content)
    assert [m.version_id for m in service.versions[f"{HOME}/models/smiling"]] == ["1", "2", "3"]
    [endpoint] = service.endpoints.values()
    assert [model.model_version_id for model in endpoint.deployed_models] == ["2", "3"]
    assert endpoint.traffic_split == {endpoint.deployed_models[-1].id: 100}


def test_none_stays_where_none_is_to_be_kept(api, pushing, endpoint):
    service = api()
    for content in ("one", "two"):
        pushing(content, to=endpoint.model_copy(update={"keep": 0}))
    [made] = service.endpoints.values()
    assert [model.model_version_id for model in made.deployed_models] == ["2"]


def test_the_same_model_again_is_neither_uploaded_nor_deployed(api, pushing):
    service = api()
    pushing()
    service.asked.clear()
    pushing()
    assert service.asked == ["list", "get"]


def test_a_try_after_one_that_was_uploaded_and_not_deployed_goes_on_from_there(api, pushing):
    service = api(refuse="deploy")
    with pytest.raises(RuntimeError, match=r"pushed to .*, but not deployed to .*/faces: "):
        pushing()
    service.refuse = ""
    service.asked.clear()
    pushing()
    assert service.asked == ["list", "get", "deploy", "get"]


def test_a_model_that_gets_requests_or_is_somebody_elses_stays(api, pushing, endpoint):
    service = api()
    pushing("one")
    [made] = service.endpoints.values()
    theirs = aiplatform_v1.DeployedModel(made.deployed_models[0])
    theirs.id, theirs.model = "9", "projects/123456/locations/europe-west4/models/theirs"
    made.deployed_models.append(theirs)
    pushing("two", to=endpoint.model_copy(update={"keep": 0}))
    assert {m.id for m in made.deployed_models} == {"9", "102"}


def test_going_back_is_not_undone_by_the_same_model(api, pushing):
    service = api()
    pushing("one")
    pushing("two")
    [made] = service.endpoints.values()
    made.traffic_split = {"101": 100}
    pushing("two")
    assert made.traffic_split == {"101": 100}


def test_slow_operations_are_waited_for(api, pushing):
    service = api(slow=True)
    pushing()
    assert service.asked.count("wait") == 3 and service.deployments


def test_a_refusal_says_where_the_model_is_and_why_it_is_not_deployed(api, pushing, tmp_path):
    api(refuse="upload")
    with pytest.raises(RuntimeError, match=r"smiling/\d+, but .* aiplatform.models.upload denied"):
        pushing()
    assert len(numbers(tmp_path / "serving" / "smiling")) == 1


def test_an_endpoint_named_by_its_number_is_not_made(api, pushing, endpoint):
    service = api()
    with pytest.raises(RuntimeError, match="endpoints/1234567890"):
        pushing(to=endpoint.model_copy(update={"name": "1234567890"}))
    assert "make" not in service.asked


def test_versions_are_told_by_their_files(api, pushing):
    service = api()
    folder = pushing().get_string_custom_property("pushed_destination")
    [version] = service.versions[f"{HOME}/models/smiling"]
    assert version.labels == {"team": "faces", "files": files_digest(folder)}
    [made] = service.endpoints.values()
    assert made.labels == {"team": "faces"}


def test_pusher_alone_is_changed_by_the_setting(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    plain, given = (compiling.vertex(load([], part)) for part in (SETTINGS[:-1], SETTINGS))

    def containers(job):
        return job["pipelineSpec"]["deploymentSpec"]["executors"]

    differing = {name for name, one in containers(given).items() if one != containers(plain)[name]}
    assert differing == {"Pusher_executor"}
    tasks = given["pipelineSpec"]["root"]["dag"]["tasks"]
    assert {"Report", "Evaluator"} <= set(tasks["Pusher"]["dependentTasks"])
    parameters = tasks["Pusher"]["inputs"]["parameters"]
    told = Endpoint.model_validate_json(parameters["endpoint"]["runtimeValue"]["constant"])
    assert told.name == "faces" and told.model == "smiling"


@pytest.mark.parametrize(
    ("assignment", "part"),
    [
        ("deploy.vertex.project=null", "deploy.vertex.project is not set"),
        ("model_name=My_Model", "model_name = 'My_Model'"),
        ("deploy.serving=/gcs/bucket/serving", "gs:// alone"),
    ],
)
def test_what_an_endpoint_needs_is_asked_for(assignment, part):
    with pytest.raises(SettingsError, match=part):
        requirements.require(load([], [*SETTINGS, assignment]), "vertex")


@pytest.mark.parametrize(
    "assignment", ["name=My_Endpoint", "replicas=4", "image="], ids=lambda text: text[:5]
)
def test_an_endpoint_that_cannot_be_is_refused(assignment):
    with pytest.raises(SettingsError, match=r"deploy\.vertex\.endpoint"):
        load([], [*SETTINGS, f"deploy.vertex.endpoint.{assignment}"])
