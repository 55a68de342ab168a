"""The store at its real addresses: a proxy that clients are told of, and behind it TLS with its own CA.

Nothing in the clients is replaced: they ask for https://storage.googleapis.com, find the way by
HTTPS_PROXY, check the certificate against the bundle that they are given, and show a token that they got
for the key of a service account.
"""

from __future__ import annotations

import contextlib
import datetime
import http.server
import json
import re
import ssl
import threading
from multiprocessing.managers import BaseManager, BaseProxy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.object_store.objects import Answer, Objects, Request, batched, together

HOSTS = ("storage.googleapis.com", "www.googleapis.com", "oauth2.googleapis.com")
_TOKEN = "a-token"


class Stores(BaseManager):
    """A process for an `ObjectStore`."""


class ObjectStore:
    """A store that listens from when it is made, in a process that is not the clients'.

    TensorFlow holds Python's lock while it waits for some answers: who answers needs a lock of its own.
    """

    def __init__(self, folder: str, *buckets: str):
        self._objects = Objects(*buckets)
        self._one_in = 0
        self._outage: re.Pattern[str] | None = None
        self._forbidden: re.Pattern[str] | None = None
        self._asked: list[str] = []
        self._failed = 0
        self._folder = Path(folder)
        self._tls = _certified(self._folder)
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def environment(self) -> dict[str, str]:
        """The variables with which every client finds it."""
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{self._server.server_address[1]}",
            "NO_PROXY": "localhost,127.0.0.1",
            "CURL_CA_BUNDLE": str(self._folder / "ca.pem"),  # TensorFlow's client
            "REQUESTS_CA_BUNDLE": str(self._folder / "ca.pem"),  # Google's for Python
            "GOOGLE_APPLICATION_CREDENTIALS": str(self._folder / "account.json"),
            "NO_GCE_CHECK": "true",  # no looking for a cloud to be in
        }

    def put(self, bucket: str, name: str, data: bytes) -> None:
        """Puts an object there."""
        self._objects.write(bucket, name, data)

    def names(self, bucket: str) -> list[str]:
        """The names of all objects in a bucket, sorted."""
        return self._objects.names(bucket)

    def read(self, bucket: str, name: str) -> bytes:
        """The bytes of an object."""
        return self._objects.read(bucket, name)

    def fail(self, one_in: int) -> None:
        """From now on one in so many requests fails; 0: none.

        In turn they are refused with nothing done, and done with the answer lost.
        """
        self._one_in = one_in

    def go_down(self, at: str) -> None:
        """All requests fail (503) from the first one on whose method and target match; "": none."""
        self._outage = re.compile(at) if at else None
        self._is_down = False

    def forbid(self, at: str) -> None:
        """Requests whose method and target match are not permitted (403); "": all are."""
        self._forbidden = re.compile(at) if at else None

    def asked(self) -> list[str]:
        """Method and target of all requests so far."""
        return list(self._asked)

    def failed(self) -> int:
        """How many of them failed by intention, outages not counted."""
        return self._failed

    _is_down = False

    def answer(self, request: Request) -> Answer:
        """To a request from outside, which may fail."""
        with self._lock:
            line = f"{request.method} {request.target}"
            self._asked.append(line)
            self._is_down |= self._outage is not None and bool(self._outage.search(line))
            turn = self._one_in and len(self._asked) % self._one_in == 0
            self._failed += bool(turn)
            is_refused = self._is_down or (turn and self._failed % 2)
            is_forbidden = self._forbidden is not None and bool(self._forbidden.search(line))
        if is_forbidden:
            return Answer.refusal(403, "fairgate@a-project does not have storage.objects access")
        if is_refused:
            return Answer.refusal(503, "nothing was done, by intention")
        answer = self._done(request)
        return Answer.refusal(503, "the answer was lost, by intention") if turn else answer

    def _done(self, request: Request) -> Answer:
        if request.path.endswith("/token"):
            asked = parse_qs(request.body.decode())
            assert asked["assertion"], "a signed request"
            tree = {"access_token": _TOKEN, "expires_in": 3600, "token_type": "Bearer"}
            return Answer.of(tree)
        if request.headers.get("Authorization") != f"Bearer {_TOKEN}":
            return Answer.refusal(401, "Anonymous caller does not have access")
        if request.path == "/batch/storage/v1":
            return together([self._objects.answer(each) for each in batched(request)])
        return self._objects.answer(request)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_CONNECT(self) -> None:
                if self.path.removesuffix(":443") not in HOSTS:
                    self.send_error(403, "not Google's store")
                    return
                self.send_response(200, "Connection established")
                self.end_headers()
                self.connection = store._tls.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                self.wfile = _Writer(self.connection)
                self.close_connection = False  # whatever version of HTTP the client said

            def _respond(self) -> None:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = _unchunked(self.rfile)
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                target = self.path if self.path.startswith("/") else _local(self.path)
                answer = store.answer(Request(self.command, target, self.headers, body))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_DELETE = _respond

            def handle(self) -> None:
                with contextlib.suppress(OSError):  # clients may leave
                    super().handle()
                with contextlib.suppress(OSError):
                    self.connection.close()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class _There(BaseProxy):
    """The store in its process. Beam replaces Python's own kind of proxy, which then cannot be sent."""

    _exposed_ = (
        "environment",
        "put",
        "names",
        "read",
        "fail",
        "go_down",
        "forbid",
        "asked",
        "failed",
    )

    def __getattr__(self, name: str) -> Any:
        if name not in self._exposed_:
            raise AttributeError(name)
        return lambda *given, **named: self._callmethod(name, given, named)


Stores.register("ObjectStore", ObjectStore, proxytype=_There)


class _Writer:
    """What http.server writes to, over TLS."""

    closed = False

    def __init__(self, connection: ssl.SSLSocket):
        self._connection = connection

    def write(self, data: bytes) -> int:
        self._connection.sendall(data)
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def _local(target: str) -> str:
    parts = urlsplit(target)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _unchunked(stream: object) -> bytes:
    pieces = []
    while size := int(stream.readline().split(b";")[0], 16):  # type: ignore[attr-defined]
        pieces.append(stream.read(size))  # type: ignore[attr-defined]
        stream.readline()  # type: ignore[attr-defined]
    stream.readline()  # type: ignore[attr-defined]
    return b"".join(pieces)


def _certified(folder: Path) -> ssl.SSLContext:
    """Makes a CA, a certificate of Google's hosts by it, and the key of a service account."""
    folder.mkdir(parents=True, exist_ok=True)
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a CA of its own")])
    leaf = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOSTS[0])])
    (folder / "ca.pem").write_bytes(_certificate(own, name, own, name, ca=True))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "server.pem").write_bytes(_pem(key) + _certificate(own, name, key, leaf, ca=False))
    account = {
        "type": "service_account",
        "project_id": "a-project",
        "private_key_id": "1",
        "private_key": _pem(key).decode(),
        "client_email": "fairgate@a-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    (folder / "account.json").write_text(json.dumps(account))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def _certificate(
    signer: rsa.RSAPrivateKey, issuer: x509.Name, key: rsa.RSAPrivateKey, name: x509.Name, ca: bool
) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False
        )
        # As RFC 5280 wants them, and Python 3.13 with it.
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=ca,
                crl_sign=ca,
                content_commitment=False,
                key_encipherment=not ca,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
