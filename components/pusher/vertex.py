"""Executor of Pusher that also deploys what it pushed to a Vertex AI endpoint.

TFX has an executor for that too (tfx.extensions.google_cloud_ai_platform.pusher). It looks at the
blessing alone, and not at what the blessing was given for; a second try uploads and deploys a second
time; and no model is ever taken from the endpoint again, where each of them is paid for by the hour.
"""

from __future__ import annotations

from typing import Any

from absl import logging
from google.api_core import exceptions
from google.cloud import aiplatform_v1
from tfx import types
from tfx.types import artifact_utils, standard_component_specs

from components import vertex
from components.evaluator import digests
from components.pusher import executor
from components.pusher.endpoint import ENDPOINT, Endpoint

# A deployment takes some ten minutes; one that takes longer than this is not coming [s].
_LONGEST = 3600.0
# The label that tells versions in the registry from each other by what is in them.
_FILES = "files"


class Executor(executor.Executor):
    """Pushes into the folder, as its parent does; then registers that folder and deploys it."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes and deploys if blessed; else Vertex is not even asked.

        Raises:
          StaleBlessing: the blessing was given to something else; nothing is pushed or deployed.
          RuntimeError: the model is in its folder, but was not deployed; says why.
        """
        super().Do(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not pushed.get_int_custom_property("pushed"):
            return
        endpoint = Endpoint.model_validate_json(exec_properties[ENDPOINT])
        folder = pushed.get_string_custom_property("pushed_destination")
        try:
            version, is_asked = deploy(endpoint, folder)
        except (exceptions.GoogleAPICallError, TimeoutError) as error:
            raise RuntimeError(
                f"the model was pushed to {folder}, but not deployed to {endpoint.resource}: {error}"
            ) from error
        pushed.set_string_custom_property("endpoint", endpoint.resource)
        pushed.set_string_custom_property("endpoint_model", version)
        if not is_asked:
            told = (
                f"{version} is deployed at {endpoint.resource}, which gives it no requests, as somebody "
                "decided there; that is not undone. Give it some with gcloud ai endpoints update"
            )
            logging.warning("%s", told)
            pushed.set_string_custom_property(
                executor.TOLD,
                " ".join(filter(None, (pushed.get_string_custom_property(executor.TOLD), told))),
            )


def deploy(endpoint: Endpoint, folder: str) -> tuple[str, bool]:
    """Gives all requests of `endpoint` to the SavedModel in `folder`.

    What is there already (the very same files, by their digest) is neither uploaded nor deployed again.
    Models that get no more requests are taken from the endpoint, the newest `endpoint.keep` excepted.

    Returns:
      the version of the model in the registry, projects/P/locations/R/models/M@V; and whether it gets
      requests: not where it was there already, and somebody gave them to another one.

    Raises:
      google.api_core.exceptions.GoogleAPICallError: Vertex refused, or failed.
    """
    version = _register(endpoint, folder)
    client = vertex.client(aiplatform_v1.EndpointServiceClient, endpoint.region)
    found = _find_or_make(client, endpoint)
    there = [each.id for each in found.deployed_models if _is_of(each, version)]
    if there:
        logging.info("%s is deployed at %s already", version, found.name)
        return version, any(found.traffic_split.get(each) for each in there)
    machine = aiplatform_v1.MachineSpec(machine_type=endpoint.machine_type)
    deployed = aiplatform_v1.DeployedModel(
        model=version,
        display_name=version.rsplit("/", 1)[-1].replace("@", "-"),
        dedicated_resources=aiplatform_v1.DedicatedResources(
            machine_spec=machine,
            min_replica_count=endpoint.replicas,
            max_replica_count=endpoint.most_replicas,
        ),
        service_account=endpoint.service_account or "",
    )
    logging.info("deploying %s at %s", version, found.name)
    # "0" is the model that is being deployed.
    client.deploy_model(
        endpoint=found.name, deployed_model=deployed, traffic_split={"0": 100}
    ).result(_LONGEST)
    _retire(client, endpoint)
    return version, True


def _register(endpoint: Endpoint, folder: str) -> str:
    """The version of the model in the registry that has the files of `folder`; a new one if none has."""
    client = vertex.client(aiplatform_v1.ModelServiceClient, endpoint.region)
    name = f"{endpoint.location}/models/{endpoint.model}"
    files = digests.files_digest(folder)
    new = {"model_id": endpoint.model}
    try:
        for version in client.list_model_versions(name=name):
            new = {"parent_model": name}
            if version.labels.get(_FILES) == files:
                return f"{name}@{version.version_id}"
    except exceptions.NotFound:
        pass  # the first version makes the model
    logging.info("uploading %s as a version of %s", folder, name)
    request = aiplatform_v1.UploadModelRequest(
        parent=endpoint.location,
        model=aiplatform_v1.Model(
            display_name=endpoint.model,
            artifact_uri=folder,
            container_spec=aiplatform_v1.ModelContainerSpec(image_uri=endpoint.image),
            labels={**endpoint.labels, _FILES: files},
        ),
        **new,
    )
    uploaded = client.upload_model(request=request).result(_LONGEST)
    return f"{name}@{uploaded.model_version_id}"


def _find_or_make(
    client: aiplatform_v1.EndpointServiceClient, endpoint: Endpoint
) -> aiplatform_v1.Endpoint:
    try:
        return client.get_endpoint(name=endpoint.resource)
    except exceptions.NotFound:
        if endpoint.name.isdigit():  # Vertex gives these itself
            raise
    logging.info("making the endpoint %s", endpoint.resource)
    return client.create_endpoint(
        parent=endpoint.location,
        endpoint=aiplatform_v1.Endpoint(display_name=endpoint.name, labels=endpoint.labels),
        endpoint_id=endpoint.name,
    ).result(_LONGEST)


def _retire(client: aiplatform_v1.EndpointServiceClient, endpoint: Endpoint) -> None:
    """Takes versions of this model that get no requests from the endpoint, but for the newest."""
    found = client.get_endpoint(name=endpoint.resource)
    idle = [
        deployed
        for deployed in found.deployed_models
        if not found.traffic_split.get(deployed.id)
        and _model_of(deployed.model) == endpoint.model  # what others deployed there is theirs
    ]
    idle.sort(key=lambda deployed: deployed.create_time, reverse=True)
    for deployed in idle[endpoint.keep :]:
        logging.info("taking %s from %s", deployed.display_name, found.name)
        client.undeploy_model(endpoint=found.name, deployed_model_id=deployed.id).result(_LONGEST)


def _is_of(deployed: aiplatform_v1.DeployedModel, version: str) -> bool:
    """Whether it is of this version; Vertex may name the project by its number."""
    model, number = _model_of(version), version.rpartition("@")[2]
    return _model_of(deployed.model) == model and deployed.model_version_id == number


def _model_of(name: str) -> str:
    """projects/P/locations/R/models/M@V -> M."""
    return name.rsplit("/", 1)[-1].partition("@")[0]
