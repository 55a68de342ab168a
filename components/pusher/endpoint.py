"""What a push to an endpoint needs; `pipeline.clusters.endpoints` fills it in from the settings."""

from __future__ import annotations

from pydantic import Field

from fairgate.strict import Strict

# The execution property that holds an `Endpoint`.
ENDPOINT = "endpoint"


class Endpoint(Strict):
    """A Vertex AI endpoint, and how a model is deployed to it."""

    project: str = Field(description="Google Cloud project")
    region: str = Field(description="region of the endpoint and of the model registry")
    name: str = Field(description="id of the endpoint")
    model: str = Field(description="id of the model in the registry; each push is a version of it")
    image: str = Field(description="serving container")
    machine_type: str = Field(description="machine of each replica")
    replicas: int = Field(ge=1, description="replicas that are always there")
    most_replicas: int = Field(ge=1, description="replicas at the most")
    keep: int = Field(ge=0, description="models that stay deployed without requests")
    labels: dict[str, str] = Field(
        default_factory=dict, description="labels of the endpoint and of each version"
    )
    service_account: str | None = Field(None, description="account that the container runs as")

    @property
    def location(self) -> str:
        """Project and region, as Vertex names them together."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def resource(self) -> str:
        """The endpoint's whole name."""
        return f"{self.location}/endpoints/{self.name}"
