"""Buckets, objects and the requests that Google's JSON API (storage/v1) makes of them.

By https://cloud.google.com/storage/docs/json_api/v1 and what TensorFlow's file system
(tensorflow/tsl/platform/cloud/gcs_file_system.cc), google-cloud-storage and Beam ask for.
"""

from __future__ import annotations

import base64
import datetime
import email.message
import email.parser
import hashlib
import itertools
import json
import re
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import google_crc32c

_PAGE = 20  # names in an answer to a listing: few, so that clients have to ask again


@dataclass(frozen=True)
class Request:
    """A request: its method, its target as it stands in the first line, its headers and its body."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Without the question, still quoted."""
        return urlsplit(self.target).path

    def asks(self, name: str, default: str = "") -> str:
        """A parameter of the question."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True).get(name, [default])[0]


@dataclass(frozen=True)
class Answer:
    """An answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: Any, status: int = 200, **headers: str) -> Answer:
        """One in JSON."""
        kind = {"Content-Type": "application/json; charset=UTF-8"}
        return cls(status, json.dumps(tree).encode(), kind | headers)

    @classmethod
    def refusal(cls, status: int, message: str) -> Answer:
        """One that says what is wrong, as Google does."""
        return cls.of({"error": {"code": status, "message": message}}, status)


@dataclass(frozen=True)
class Stored:
    """An object's bytes and the number of the write that made it."""

    data: bytes
    generation: int
    when: str


class Objects:
    """What is in the buckets, by (bucket, name); an object is written whole or not at all."""

    def __init__(self, *buckets: str):
        self.buckets = buckets
        self._stored: dict[tuple[str, str], Stored] = {}
        self._uploads: dict[str, _Upload] = {}
        self._generations = itertools.count(1_700_000_000_000_000)
        self._lock = threading.Lock()

    def names(self, bucket: str) -> list[str]:
        """All names in a bucket, sorted."""
        with self._lock:
            return sorted(name for owner, name in self._stored if owner == bucket)

    def read(self, bucket: str, name: str) -> bytes:
        """The bytes of an object."""
        return self._stored[bucket, name].data

    def write(self, bucket: str, name: str, data: bytes) -> None:
        """Puts an object there."""
        when = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        stored = Stored(data, next(self._generations), when.replace("+00:00", "Z"))
        self._stored[bucket, name] = stored

    def answer(self, request: Request) -> Answer:
        """What the store does and says."""
        with self._lock:
            for method, pattern, handle in _HANDLERS:
                if method == request.method and (found := re.fullmatch(pattern, request.path)):
                    places = [unquote(part) for part in found.groups()]
                    if places and request.path.count("/b/") and places[0] not in self.buckets:
                        return Answer.refusal(
                            404, f"The specified bucket does not exist: {places[0]}"
                        )
                    answer: Answer = handle(self, request, *places)
                    return answer
        return Answer.refusal(501, f"not known here: {request.method} {request.target}")

    def _bucket(self, request: Request, bucket: str) -> Answer:
        return Answer.of({"kind": "storage#bucket", "name": bucket, "location": "EUROPE-WEST4"})

    def _layout(self, request: Request, bucket: str) -> Answer:
        return Answer.of(
            {"kind": "storage#storageLayout", "hierarchicalNamespace": {"enabled": False}}
        )

    def _list(self, request: Request, bucket: str) -> Answer:
        prefix, delimiter = request.asks("prefix"), request.asks("delimiter")
        start = request.asks("pageToken")
        most = min(_PAGE, int(request.asks("maxResults", str(_PAGE))))
        entries: dict[str, bool] = {}  # name or prefix -> whether it is a prefix
        for owner, name in sorted(self._stored):
            if owner == bucket and name.startswith(prefix):
                head, cut, _ = (
                    name[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
                )
                entries[prefix + head + cut if cut else name] = bool(cut)
        names = [name for name in entries if name > start]
        shown = names[:most]
        tree: dict[str, Any] = {
            "kind": "storage#objects",
            "items": [self._resource(bucket, name) for name in shown if not entries[name]],
            "prefixes": [name for name in shown if entries[name]],
        }
        if len(names) > most:
            tree["nextPageToken"] = shown[-1]
        return Answer.of({key: value for key, value in tree.items() if value})

    def _get(self, request: Request, bucket: str, name: str) -> Answer:
        if (bucket, name) not in self._stored:
            return Answer.refusal(404, f"No such object: {bucket}/{name}")
        if request.asks("alt") == "media":
            return self._media(request, bucket, name)
        return Answer.of(self._resource(bucket, name))

    def _media(self, request: Request, bucket: str, name: str) -> Answer:
        """The bytes, or the range of them that is asked for."""
        stored = self._stored.get((bucket, name))
        if stored is None:
            return Answer.refusal(404, f"No such object: {bucket}/{name}")
        data = stored.data
        headers = {"Content-Type": "application/octet-stream", "X-Goog-Hash": _hashes(data)}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if asked is None:
            return Answer(200, data, headers)
        first = int(asked[1])
        last = min(int(asked[2] or len(data)), len(data) - 1)
        if first > last:
            return Answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return Answer(206, data[first : last + 1], headers)

    def _delete(self, request: Request, bucket: str, name: str) -> Answer:
        if self._stored.pop((bucket, name), None) is None:
            return Answer.refusal(404, f"No such object: {bucket}/{name}")
        return Answer(204)

    def _rewrite(self, request: Request, bucket: str, name: str, to: str, new: str) -> Answer:
        if (bucket, name) not in self._stored:
            return Answer.refusal(404, f"No such object: {bucket}/{name}")
        data = self._stored[bucket, name].data
        self.write(to, new, data)
        size, resource = str(len(data)), self._resource(to, new)
        if "/copyTo/" in request.path:
            return Answer.of(resource)
        tree = {"done": True, "objectSize": size, "totalBytesRewritten": size, "resource": resource}
        return Answer.of(tree)

    def _compose(self, request: Request, bucket: str, name: str) -> Answer:
        sources = [each["name"] for each in json.loads(request.body)["sourceObjects"]]
        self.write(bucket, name, b"".join(self._stored[bucket, each].data for each in sources))
        return Answer.of(self._resource(bucket, name))

    def _upload(self, request: Request, bucket: str) -> Answer:
        kind, name = request.asks("uploadType"), request.asks("name")
        wanted = request.asks("ifGenerationMatch")
        if kind == "multipart":
            described, media = _parts(request)
            name = json.loads(described.get_payload(decode=True)).get("name", name)
            return self._commit(_Upload(bucket, name, wanted, bytearray(_raw(media))))
        if kind == "resumable":
            name = name or json.loads(request.body)["name"]
            session = uuid.uuid4().hex
            self._uploads[session] = _Upload(bucket, name, wanted)
            place = f"https://storage.googleapis.com/upload/storage/v1/b/{quote(bucket)}/o"
            return Answer(
                200, b"", {"Location": f"{place}?uploadType=resumable&upload_id={session}"}
            )
        return self._commit(_Upload(bucket, name, wanted, bytearray(request.body)))

    def _continue(self, request: Request, bucket: str) -> Answer:
        """A piece of an upload, or the question how far it is: `bytes 0-99/100`, `bytes */100`."""
        upload = self._uploads[request.asks("upload_id")]
        found = re.fullmatch(
            r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", request.headers.get("Content-Range", "")
        )
        if upload.done:
            return Answer.of(self._resource(upload.bucket, upload.name))
        if found is None:
            upload.data[:] = request.body
            return self._commit(upload)
        if found[1] is not None:
            del upload.data[int(found[1]) :]
            upload.data += request.body
        if found[3] != "*" and len(upload.data) == int(found[3]):
            return self._commit(upload)
        received = {"Range": f"bytes=0-{len(upload.data) - 1}"} if upload.data else {}
        return Answer(308, b"", received)

    def _commit(self, upload: _Upload) -> Answer:
        there = self._stored.get((upload.bucket, upload.name))
        if upload.wanted and int(upload.wanted) != (there.generation if there else 0):
            return Answer.refusal(
                412, "At least one of the pre-conditions you specified did not hold."
            )
        self.write(upload.bucket, upload.name, bytes(upload.data))
        upload.done = True
        return Answer.of(self._resource(upload.bucket, upload.name))

    def _resource(self, bucket: str, name: str) -> dict[str, str]:
        stored = self._stored[bucket, name]
        crc, md5 = (pair.partition("=")[2] for pair in _hashes(stored.data).split(","))
        return {
            "kind": "storage#object",
            "id": f"{bucket}/{name}/{stored.generation}",
            "bucket": bucket,
            "name": name,
            "generation": str(stored.generation),
            "metageneration": "1",
            "size": str(len(stored.data)),
            "updated": stored.when,
            "timeCreated": stored.when,
            "contentType": "application/octet-stream",
            "crc32c": crc,
            "md5Hash": md5,
        }


@dataclass
class _Upload:
    bucket: str
    name: str
    wanted: str = ""
    data: bytearray = field(default_factory=bytearray)
    done: bool = False


_HANDLERS = (
    ("GET", r"/storage/v1/b/([^/]+)", Objects._bucket),
    ("GET", r"/storage/v1/b/([^/]+)/storageLayout", Objects._layout),
    ("GET", r"/storage/v1/b/([^/]+)/o/?", Objects._list),
    ("GET", r"(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)", Objects._get),
    ("DELETE", r"/storage/v1/b/([^/]+)/o/([^/]+)", Objects._delete),
    (
        "POST",
        r"/storage/v1/b/([^/]+)/o/([^/]+)/(?:rewriteTo|copyTo)/b/([^/]+)/o/([^/]+)",
        Objects._rewrite,
    ),
    ("POST", r"/storage/v1/b/([^/]+)/o/([^/]+)/compose", Objects._compose),
    ("POST", r"(?:/resumable)?/upload/storage/v1/b/([^/]+)/o/?", Objects._upload),
    ("PUT", r"(?:/resumable)?/upload/storage/v1/b/([^/]+)/o/?", Objects._continue),
    ("GET", r"/([^/]+)/(.+)", Objects._media),
)


def batched(request: Request) -> list[Request]:
    """The requests in one to /batch/storage/v1."""
    found = []
    for part in _parts(request):
        head, _, body = _raw(part).replace(b"\r\n", b"\n").partition(b"\n\n")
        first, *lines = head.decode().splitlines()
        method, target, _ = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        target = target.removeprefix("https://storage.googleapis.com")
        found.append(Request(method, target, headers, body))
    return found


def together(answers: list[Answer]) -> Answer:
    """Answers to a batch as one."""
    parts = [
        f"--b\r\nContent-Type: application/http\r\nContent-ID: <response-{number}>\r\n\r\n"
        f"HTTP/1.1 {answer.status} X\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(answer.body)}\r\n\r\n".encode()
        + answer.body
        + b"\r\n"
        for number, answer in enumerate(answers, start=1)
    ]
    kind = {"Content-Type": "multipart/mixed; boundary=b"}
    return Answer(200, b"".join(parts) + b"--b--\r\n", kind)


def _parts(request: Request) -> list[email.message.Message]:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    return email.parser.BytesParser().parsebytes(head + request.body).get_payload()


def _raw(part: email.message.Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _hashes(data: bytes) -> str:
    crc = base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
    return f"crc32c={crc},md5={base64.b64encode(hashlib.md5(data).digest()).decode()}"
