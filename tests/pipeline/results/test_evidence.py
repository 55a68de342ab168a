"""Evidence: whole, changed, signed rightly and wrongly, alone, and of a sealed run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.results.evidence import EVIDENCE_FILE
from tests.pipeline import run_folders
from tests.pipeline.run_folders import BLOCKED, PASSED, words_of


def write_key(folder: Path, name: str, private) -> tuple[Path, Path]:
    """PEM files of a private key and of its public one."""
    files = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    files[0].write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    files[1].write_bytes(
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return files


@pytest.fixture
def key(tmp_path):
    return write_key(tmp_path, "key", Ed25519PrivateKey.from_private_bytes(b"1" * 32))


def test_what_was_promised_is_whole_and_signed(root, said, key):
    private, public = key
    status, text = said("evidence", PASSED, "--key", str(private))
    file = root / PASSED / EVIDENCE_FILE
    assert status == 0 and text.strip() == f"runs/{PASSED}/{EVIDENCE_FILE}"
    told = json.loads(file.read_text())["statement"]
    row = run_folders.verdict()["gate"][0]
    assert told["constraints"][0]["upper_bound"] == row["upper_bound"]
    assert told["run"] == PASSED and set(told["files"]) >= {"verdict.json", "settings.yaml"}
    for arguments in ((), ("--key", str(public))):
        status, text = said("verify", str(file), *arguments)
        assert status == 0 and "fits what lies beside it" in words_of(text)


def test_the_digest_is_of_the_canonical_statement_as_anybody_can_compute_it(root, said):
    import hashlib

    said("evidence", PASSED)
    document = json.loads((root / PASSED / EVIDENCE_FILE).read_text())
    whole = json.dumps(
        document["statement"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert document["digest"] == hashlib.sha256(whole.encode()).hexdigest()
    verdict = (root / PASSED / "verdict.json").read_bytes()
    files = document["statement"]["files"]
    assert files["verdict.json"] == hashlib.sha256(verdict).hexdigest()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["statement"]["constraints"][0].update(limit=0.9), "the statement was changed"),
        (lambda d: d.update(digest="0" * 64), "the statement was changed"),
        (lambda d: d["signature"].update(signature="AAAA"), "not one of this statement"),
        (lambda d: d["signature"].update(public_key="?"), "not one of this statement"),
        (lambda d: d.pop("signature"), "it is not signed"),
    ],
)
def test_whatever_is_changed_is_noticed(root, said, key, change, words):
    private, public = key
    said("evidence", PASSED, "--key", str(private))
    file = root / PASSED / EVIDENCE_FILE
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    status, text = said("verify", str(file), "--key", str(public))
    assert status == 1 and words in words_of(text) and "is whole" not in text


def test_a_statement_that_was_digested_anew_has_no_signature(root, said, key):
    said("evidence", PASSED, "--key", str(key[0]))
    file = root / PASSED / EVIDENCE_FILE
    signature = json.loads(file.read_text())["signature"]
    said("evidence", BLOCKED)  # somebody else's statement, with its own digest
    other = json.loads((root / BLOCKED / EVIDENCE_FILE).read_text())
    file.write_text(json.dumps(other | {"signature": signature}))
    status, text = said("verify", str(file))
    assert status == 1 and "not one of this statement" in words_of(text)


def test_another_key_is_noticed(root, said, key, tmp_path):
    said("evidence", PASSED, "--key", str(key[0]))
    _, other = write_key(tmp_path, "other", Ed25519PrivateKey.from_private_bytes(b"2" * 32))
    status, text = said("verify", str(root / PASSED), "--key", str(other))
    assert status == 1 and "another key" in text


def test_a_file_beside_it_that_was_changed_is_noticed_and_one_that_is_not_there_is_named(
    root, said, tmp_path
):
    said("evidence", PASSED)
    file = root / PASSED / EVIDENCE_FILE
    alone = tmp_path / "sent.json"
    alone.write_text(file.read_text())
    status, text = said("verify", str(alone))
    assert status == 0 and "not looked at: verdict.json" in words_of(text)
    with (root / PASSED / "verdict.json").open("a") as verdict:
        verdict.write(" ")
    status, text = said("verify", str(file), "--json")
    assert status == 1
    assert json.loads(text)["problems"] == ["verdict.json was changed since, or is of another run"]


def test_another_model_in_the_place_of_the_pushed_one_is_noticed(root, said):
    model = root.parent / "serving" / "smiling" / "1700000000"
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"the model")
    said("evidence", PASSED)
    assert said("verify", str(root / PASSED))[0] == 0
    (model / "saved_model.pb").write_bytes(b"another one")
    status, text = said("verify", str(root / PASSED))
    assert status == 1 and "is not the one that was pushed" in words_of(text)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"statement": {"format": "other", "files": {}}}']
)
def test_what_is_no_evidence_is_told(tmp_path, said, text):
    file = tmp_path / "some.json"
    file.write_text(text)
    status, told = said("verify", str(file))
    assert status == 2 and "no evidence of FairGate" in told and "evidence.json" in told


def test_a_key_of_another_kind_is_told(root, said, tmp_path):
    private, public = write_key(tmp_path, "curve", ec.generate_private_key(ec.SECP256R1()))
    status, text = said("evidence", PASSED, "--key", str(private))
    assert status == 2 and "openssl genpkey" in words_of(text)
    assert not (root / PASSED / EVIDENCE_FILE).exists()
    said("evidence", PASSED)
    status, text = said("verify", str(root / PASSED), "--key", str(public))
    assert status in (1, 2)
    assert said("evidence", PASSED, "--key", str(tmp_path / "none.pem"))[0] == 2
