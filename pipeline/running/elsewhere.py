"""What a run on this machine reads and writes elsewhere: object stores, by TensorFlow's file system."""

from __future__ import annotations

import os
import pathlib

from fairgate.documents import write_text
from fairgate.errors import DataError, SettingsError
from pipeline import places
from pipeline.settings import Settings

_KNOWN = "gs://"  # what TensorFlow's wheel has, besides folders; s3:// and hdfs:// it has not
_WRITTEN = ("artifacts", "ledger", "serving")
_KEY = "GOOGLE_APPLICATION_CREDENTIALS"
_WAITED = 20  # seconds: a store that is there answers within one


def require_known(settings: Settings) -> None:
    """Raises SettingsError where a run on this machine could not open what a setting names."""
    for field, place in _named(settings).items():
        if places.is_address(place) and not place.startswith(_KNOWN):
            raise SettingsError(
                f"{field} = {place!r}: TensorFlow's file system knows gs:// and folders of this "
                "machine alone. Mount the bucket as a folder, or copy it to one, and name that"
            )
    if settings.gate.compare_with == "served" and places.is_address(settings.serving):
        raise SettingsError(
            f"gate.compare_with = 'served': serving = {settings.serving!r} is looked through on this "
            "machine alone. Copy the version that is served to a folder, and name that"
        )
    if places.is_address(settings.runs):
        raise SettingsError(
            f"runs = {settings.runs!r}: the metadata, logs and reports of runs on this machine need a "
            "folder of this machine. What the steps make can go there: --set "
            f"artifacts={settings.runs}"
        )


def require_reachable(settings: Settings) -> None:
    """Raises SettingsError where an object store has no such bucket, or does not let its names be listed.

    By Google's client, which says so at once: TensorFlow's takes a bucket that is missing for one that is
    away, and asks for hours.
    """
    for field, place in _named(settings).items():
        if place.startswith(_KNOWN):
            _require_listed(field, place)


def _named(settings: Settings) -> dict[str, str]:
    """Each setting that names what a run reads or writes -> the place."""
    read = {"data.path": settings.data.path, "data.schema_file": settings.data.schema_file}
    written = {field: getattr(settings, field) for field in _WRITTEN}
    return {field: place for field, place in (read | written).items() if place is not None}


def _require_listed(field: str, place: str) -> None:
    import requests
    from google.api_core import exceptions
    from google.auth import exceptions as credentials
    from google.cloud import storage
    from google.cloud.storage.retry import DEFAULT_RETRY

    from components.evaluator import files

    bucket, _, name = place.removeprefix(_KNOWN).partition("/")
    named = f"{field} = {place!r}"
    other = f"name another one with --set {field}=gs://BUCKET/FOLDER"
    try:
        try:
            client = files.client()
        except credentials.DefaultCredentialsError:
            if field in _WRITTEN or os.environ.get(_KEY):
                raise
            client = storage.Client.create_anonymous_client()  # data may be there for everybody
        retry = DEFAULT_RETRY.with_timeout(_WAITED)
        found = client.list_blobs(bucket, prefix=name, max_results=1, timeout=_WAITED, retry=retry)
        next(iter(found), None)
    except exceptions.NotFound:
        raise SettingsError(
            f"{named}: there is no bucket {bucket!r}. Make it (gcloud storage buckets create "
            f"gs://{bucket}), or {other}"
        ) from None
    except (exceptions.Forbidden, exceptions.Unauthorized) as error:
        raise SettingsError(
            f"{named}: bucket {bucket!r} cannot be read with these credentials, or in their project: "
            f"{error.message}. Give them roles/storage.object{_role(field)} on it, use others "
            f"({_KEY} names a key where there is no gcloud login), or {other}"
        ) from None
    except exceptions.ClientError as error:
        raise SettingsError(f"{named}: bucket {bucket!r}: {error.message}. Or {other}") from None
    except (
        exceptions.GoogleAPIError,
        credentials.TransportError,
        requests.RequestException,
    ) as error:
        raise SettingsError(
            f"{named}: bucket {bucket!r} does not answer within {_WAITED} seconds: {error}. See that "
            "https://storage.googleapis.com can be reached from here (HTTPS_PROXY names a way), and run "
            "again"
        ) from None
    except credentials.GoogleAuthError as error:
        raise SettingsError(
            f"{named}: there are no credentials for bucket {bucket!r} that Google takes: {error}. Log in "
            f"(gcloud auth application-default login), or name a key by {_KEY}"
        ) from None


def _role(field: str) -> str:
    return "Admin" if field in _WRITTEN else "Viewer"


def require_writable(settings: Settings) -> None:
    """Raises SettingsError where a store that is written to later cannot be written to now."""
    import tensorflow as tf

    for field in _WRITTEN:
        place = getattr(settings, field)
        if place is None or not places.is_address(place):
            continue
        try:
            tf.io.gfile.makedirs(place)
        except tf.errors.OpError as error:
            raise SettingsError(
                f"{field} = {place!r}: cannot be written: {error.message.splitlines()[0]}. See that the "
                f"credentials may write there (roles/storage.objectAdmin); {_KEY} names a key where "
                "there is no gcloud login"
            ) from None


def with_schema_here(settings: Settings) -> Settings:
    """The settings with a copy of the data contract on this machine, where it is elsewhere.

    TFX re-uses what it made of a file of the same name; of one on this machine it knows what it holds.

    Raises:
      DataError: it cannot be read.
    """
    file = settings.data.contract
    if not places.is_address(file):
        return settings
    import tensorflow as tf
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    try:
        with tf.io.gfile.GFile(file) as stream:
            text = stream.read()
        text_format.Parse(text, schema_pb2.Schema())
    except (tf.errors.OpError, UnicodeDecodeError, text_format.ParseError) as error:
        raise DataError(
            f"data.schema_file = {file!r}: not a TFMD Schema as text that can be read: {error}. "
            "Correct it; schemas/celeba/schema.pbtxt shows how one looks"
        ) from None
    here = pathlib.Path(settings.runs, settings.name, "schema.pbtxt")
    here.parent.mkdir(parents=True, exist_ok=True)
    write_text(here, text)
    data = settings.data.model_copy(update={"schema_file": str(here)})
    return settings.model_copy(update={"data": data})
