"""What was promised of a model, by which data, and how often was asked: a file that auditors can check.

`evidence.json` lies in the run's folder. It names the other files by their digests, and its own statement
by one; who has a key signs the statement (Ed25519, RFC 8032). Nothing but the file, and what lies beside
it, is needed to check it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import pathlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import fairgate
from fairgate.documents import to_json, write_text
from fairgate.errors import DataError, SettingsError
from fairgate.gate import words
from pipeline import places
from pipeline.results.runs import REPORT_FILE, SETTINGS_FILE, VERSIONS_FILE, Run
from pipeline.results.verdict import VERDICT_FILE, Verdict

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EVIDENCE_FILE = "evidence.json"
FORMAT = "fairgate-evidence-1"
_BESIDE = (VERDICT_FILE, SETTINGS_FILE, VERSIONS_FILE, REPORT_FILE, "model_card.md")


@dataclass(frozen=True)
class Checked:
    """What a check of evidence found.

    Attributes:
      run: that it is of.
      promise: in a sentence.
      signed_by: SHA-256 of the public key that signed it, in hexadecimal; None: nobody did.
      problems: what does not fit, in sentences; empty: all does.
      absent: files beside it that are named in it and not there, such as when it was sent alone.
    """

    run: str
    promise: str
    signed_by: str | None
    problems: list[str]
    absent: list[str]


def statement(run: Run, verdict: Verdict) -> dict[str, Any]:
    """What is said of a run that has ended, before anybody signs it.

    Args:
      run: with its files in its folder.
      verdict: of the run; while its test split is sealed it holds no figures of it.
    """
    attempt = verdict.attempt
    asked = None
    if attempt is not None:
        asked = {
            "attempt": attempt.number,
            "of": attempt.of,
            "delta": round(1 - attempt.confidence, 12),
            "delta_of_all_attempts": attempt.delta_total,
            "test_digest": attempt.test_digest,
            "sealed": verdict.sealed,
        }
    return {
        "format": FORMAT,
        "run": run.name,
        "started": None if run.started is None else run.started.isoformat(timespec="seconds"),
        "fairgate": fairgate.__version__,
        "promise": words.sentence(verdict.as_document()),
        "blessed": verdict.blessed,
        "constraints": [asdict(row) for row in verdict.gate],
        "asked": asked,
        "pushed_model": verdict.pushed_model,
        "model_digest": _folder_digest(verdict.pushed_model),
        "made_of": run.versions,
        "files": {
            name: _digest(run.folder / name) for name in _BESIDE if (run.folder / name).is_file()
        },
    }


def write(run: Run, verdict: Verdict, key: pathlib.Path | None = None) -> pathlib.Path:
    """Writes evidence.json into the run's folder; returns the file.

    Args:
      run: that has ended, with all its other files.
      verdict: of the run.
      key: PEM file of an Ed25519 private key; None: it is not signed.

    Raises:
      SettingsError: the key cannot be read, or is of another kind.
    """
    said = json.loads(to_json(statement(run, verdict)))
    document = {"statement": said, "digest": _of(said)}
    if key is not None:
        document["signature"] = _signature(said, key)
    file = run.folder / EVIDENCE_FILE
    write_text(file, to_json(document, indent=1) + "\n")
    return file


def check(file: pathlib.Path, key: pathlib.Path | None = None) -> Checked:
    """Whether evidence is whole, is signed rightly, and fits the files beside it.

    Args:
      file: evidence.json.
      key: PEM file of the public key that must have signed it; None: any signature, or none, will do.

    Raises:
      DataError: the file is no evidence.
      SettingsError: the key cannot be read.
    """
    document = _read(file)
    said = document["statement"]
    problems = []
    if _of(said) != document.get("digest"):
        problems.append(
            "the statement was changed: it does not have the digest that stands below it"
        )
    signed_by = None
    signature = document.get("signature")
    if signature is not None:
        signed_by, wrong = _checked_signature(said, signature, key)
        problems += wrong
    elif key is not None:
        problems.append("it is not signed, and a key was given")
    absent = []
    for name, digest in said["files"].items():
        beside = file.parent / pathlib.PurePath(name).name
        if not beside.is_file():
            absent.append(name)
        elif _digest(beside) != digest:
            problems.append(f"{name} was changed since, or is of another run")
    model = said.get("pushed_model")
    there = _folder_digest(model)
    if there is not None and there != said.get("model_digest"):
        problems.append(f"the model in {model} is not the one that was pushed")
    return Checked(said["run"], said["promise"], signed_by, problems, absent)


def _read(file: pathlib.Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        said = document["statement"]
        if said["format"] != FORMAT:
            raise ValueError(f"its format is {said['format']!r}, and {FORMAT!r} is expected")
        {str(name): str(digest) for name, digest in said["files"].items()}
        str(said["run"]), str(said["promise"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{file}: no evidence of FairGate ({type(error).__name__}: {error}). Give the "
            f"{EVIDENCE_FILE} of a run"
        ) from None
    return dict(document)


def _of(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(said)).hexdigest()


def _canonical(said: Mapping[str, Any]) -> bytes:
    """The bytes that are digested and signed: keys sorted, no blanks, UTF-8."""
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", errors="surrogatepass")


def _digest(file: pathlib.Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _folder_digest(folder: str | None) -> str | None:
    """Over names and bytes of all files; None for a place that this machine cannot read."""
    home = None if folder is None or places.is_address(folder) else pathlib.Path(folder)
    if home is None or not home.is_dir():
        return None
    digest = hashlib.sha256()
    for file in sorted(path for path in home.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(home).as_posix()}\0{_digest(file)}\0".encode())
    return digest.hexdigest()


def _signature(said: Mapping[str, Any], key: pathlib.Path) -> dict[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"--key {key}: cannot be read as a private key ({error}). Give a PEM file without a "
            "password; openssl genpkey -algorithm ed25519 -out key.pem makes one"
        ) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise SettingsError(
            f"--key {key}: a private key of another kind. Give one of Ed25519: openssl genpkey "
            "-algorithm ed25519 -out key.pem"
        )
    return {
        "algorithm": "ed25519",
        "public_key": base64.b64encode(private.public_key().public_bytes_raw()).decode(),
        "signature": base64.b64encode(private.sign(_canonical(said))).decode(),
    }


def _checked_signature(
    said: Mapping[str, Any], signature: Mapping[str, str], expected: pathlib.Path | None
) -> tuple[str | None, list[str]]:
    """Digest of the key that signed, and what is wrong."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = base64.b64decode(signature["public_key"], validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw)
        key.verify(base64.b64decode(signature["signature"], validate=True), _canonical(said))
    except (InvalidSignature, ValueError, TypeError, KeyError):
        return None, ["the signature is not one of this statement"]
    wrong = []
    if expected is not None and _public(expected).public_bytes_raw() != raw:
        wrong.append(f"it was signed with another key than {expected}")
    return hashlib.sha256(raw).hexdigest(), wrong


def _public(file: pathlib.Path) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(file.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("it is of another kind than Ed25519")
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"--key {file}: cannot be read as a public key ({error}). Give a PEM file of Ed25519; "
            "openssl pkey -in key.pem -pubout -out public.pem makes it of the private one"
        ) from None
    return key
