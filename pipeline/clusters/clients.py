"""Clients of the platforms, and what they answer in words."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from components import vertex as vertex_ai
from fairgate.errors import SettingsError
from pipeline.settings import Settings


class NoAnswer(SettingsError):
    """The platform did not answer, or not now."""


def vertex(settings: Settings, kind: type) -> Any:
    """A client of Vertex AI, of the class `kind` of aiplatform_v1."""
    from google.auth.exceptions import DefaultCredentialsError

    try:
        return vertex_ai.client(kind, str(settings.deploy.vertex.region))
    except DefaultCredentialsError:
        raise SettingsError(
            "no Google Cloud credentials: run `gcloud auth application-default login`, or let "
            "GOOGLE_APPLICATION_CREDENTIALS name a service account's key file"
        ) from None


def vertex_parent(settings: Settings) -> str:
    """What names of Vertex AI begin with.

    Raises:
      SettingsError: project or region are not set.
    """
    cloud = settings.deploy.vertex
    for field in ("project", "region"):
        if getattr(cloud, field) is None:
            raise SettingsError(
                f"deploy.vertex.{field} is not set: give --set deploy.vertex.{field}=..., or write it "
                "into a settings file"
            )
    return f"projects/{cloud.project}/locations/{cloud.region}"


def kubeflow_endpoint(settings: Settings) -> str:
    """The address of the Kubeflow Pipelines API."""
    endpoint = settings.deploy.kubeflow.endpoint
    if endpoint is None:
        raise SettingsError(
            "deploy.kubeflow.endpoint is not set: give the address of the Kubeflow Pipelines API, such "
            "as http://localhost:8080 after "
            "`kubectl -n kubeflow port-forward svc/ml-pipeline-ui 8080:80`"
        )
    return endpoint


def kubeflow(settings: Settings) -> Any:
    """A client of Kubeflow Pipelines."""
    import kfp

    cluster = settings.deploy.kubeflow
    token = None
    if cluster.token_variable is not None:
        token = os.environ.get(cluster.token_variable)
        if not token:
            raise SettingsError(
                f"deploy.kubeflow.token_variable names {cluster.token_variable}, which is not set: "
                f"export {cluster.token_variable}=<bearer token>"
            )
    endpoint = kubeflow_endpoint(settings)
    with warnings.catch_warnings():
        # kfp warns at every start that it is not for version 1.
        warnings.simplefilter("ignore", FutureWarning)
        return answered(
            lambda: kfp.Client(host=endpoint, existing_token=token, namespace=cluster.namespace),
            settings,
            "kubeflow",
        )


def answered(ask: Callable[[], Any], settings: Settings, target: str) -> Any:
    """What `ask` returns; a SettingsError in words where the platform did not answer or refused."""
    import kfp_server_api
    import urllib3
    from google.api_core import exceptions

    try:
        return ask()
    except (urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
        raise NoAnswer(
            f"deploy.kubeflow.endpoint = {settings.deploy.kubeflow.endpoint!r} does not answer: {error}"
        ) from None
    except kfp_server_api.ApiException as error:
        if error.status >= 500:
            raise NoAnswer(
                f"Kubeflow Pipelines does not answer now ({error.status} {error.reason})"
            ) from None
        advice = {
            401: "; deploy.kubeflow.token_variable names the variable that holds a token",
            403: "; deploy.kubeflow.namespace may be another's",
            404: "; is this the address of Kubeflow Pipelines, and the run one of its?",
        }.get(error.status, "")
        raise SettingsError(
            f"Kubeflow Pipelines refused ({error.status} {error.reason}){advice}"
        ) from None
    except (exceptions.ServerError, exceptions.RetryError) as error:
        raise NoAnswer(
            f"Vertex AI in {settings.deploy.vertex.region} does not answer ({type(error).__name__}): "
            f"{error.message}"
        ) from None
    except exceptions.GoogleAPICallError as error:
        raise SettingsError(
            f"Vertex AI refused ({type(error).__name__}): {error.message}. Is the API on (gcloud "
            f"services enable aiplatform.googleapis.com --project {settings.deploy.vertex.project}), and "
            "may this account use it (roles/aiplatform.user)?"
        ) from None
