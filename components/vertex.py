"""Clients of Vertex AI."""

from __future__ import annotations

import os
from typing import Any

# Takes the place of Vertex's address, for a proxy or a test: host:port, spoken to without TLS.
ADDRESS = "FAIRGATE_VERTEX_ADDRESS"


def client(kind: type, region: str) -> Any:
    """A client of the class `kind`, such as aiplatform_v1.JobServiceClient, for `region`.

    Raises:
      google.auth.exceptions.DefaultCredentialsError: this machine has no credentials.
    """
    address = os.environ.get(ADDRESS)
    if address:
        import grpc

        transport = kind.get_transport_class("grpc")
        return kind(transport=transport(channel=grpc.insecure_channel(address)))
    return kind(client_options={"api_endpoint": f"{region}-aiplatform.googleapis.com"})
