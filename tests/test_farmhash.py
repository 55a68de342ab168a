"""third_party/pyfarmhash gives what the C++ package gives, and is all that TFDV asks of it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import tomllib
from pathlib import Path

import farmhash
import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[1]
DISTRIBUTION = REPOSITORY / "third_party" / "pyfarmhash"
PRINTABLE = "".join(chr(code) for code in range(33, 127)) * 3

# By pyfarmhash 0.3.2, of the first so many characters of PRINTABLE: both ends of every branch of
# both functions, and of their loops over blocks of 20 and of 64 bytes.
BY_LENGTH = {
    0: (0xDC56D17A, 0x9AE16A3B2F90404F),
    1: (0x25CA8B8D, 0xEBBF7FF11EFF54B2),
    3: (0x77AECB38, 0x8D75199F2054185A),
    4: (0xBE4CE9BE, 0xA026D3549F67DB7C),
    5: (0xE49D8C5C, 0xD3ACC40DA157033B),
    7: (0x360B059F, 0x7C19624C3509FEEC),
    8: (0x066C84A6, 0xDFED035E9D166FFF),
    12: (0x17C877EB, 0x1C9A03F45EB02015),
    13: (0x24AFF3EC, 0x8E97892873BC6937),
    16: (0x1D3CAFDA, 0xFDBD9662EDE16DA2),
    17: (0x07A8450E, 0xB32543DC7720287A),
    20: (0x8288F7DA, 0xEE613888D67596A8),
    24: (0x1E61B978, 0x59D66092450AD31E),
    25: (0x4B060BF0, 0x9FD687AD078EC4C7),
    32: (0x2AF4C5A9, 0x77244ED6F5DD7CBA),
    33: (0x004319F3, 0x1A0A789ADE487ECD),
    40: (0xEA61C18F, 0x29DB7493A622E0F7),
    41: (0x0226C20F, 0x631C84C4BE38DE75),
    63: (0x9335EB73, 0x2080FE81DB78F94E),
    64: (0xF29E4F81, 0x5092183599ED09C9),
    65: (0x3A88CDF5, 0x9C2C065FAECA6681),
    100: (0xC27D15BA, 0xEE02D969DF2D2157),
    127: (0x87CB2667, 0x431D1AF31E1AB542),
    128: (0x0C46B158, 0xEF0B9E7E64D716E1),
    129: (0xA6171F5E, 0xEA1D2238A3424364),
    200: (0x5538ACF8, 0xDAB80136892E2BC8),
    256: (0xAF487CAB, 0xC9473B713E3A2E85),
}

# By pyfarmhash 0.3.2 the texts, and by 0.5.1 the bytes, which 0.3.2 does not take.
BEYOND_ASCII = {
    "é": (0x75A86F6B, 0x099E89E5ECBB4CC1),
    "ÿÿ": (0xDFA3F398, 0xCB1C5EF9E3E44D9A),
    "Größe": (0xEB1702FC, 0xF681A9562DB1A908),
    "年齢": (0x3A113ACD, 0x31AF4A0C17EC9BCD),
    "🙂": (0x19974DE2, 0xC3C4182FC65098F4),
    "Ünïcödé 🙂 " * 9: (0xA22A4129, 0xC8150E292D335034),
    b"\0": (0xC0A92754, 0xBE6056EDF5E94B54),
    b"\xff\x80": (0xDF606262, 0xB5756E58FFD51765),
    bytes(range(256)): (0xDD4B4323, 0x496FBE15ED0E171F),
    bytes(range(255, 195, -1)): (0xCCFC8F89, 0xF3DDE12EA576CD1A),
}


@pytest.mark.parametrize(("length", "expected"), BY_LENGTH.items())
def test_every_length_has_the_fingerprints_of_the_original(length, expected):
    text = PRINTABLE[:length]
    assert (farmhash.fingerprint32(text), farmhash.fingerprint64(text)) == expected
    data = text.encode()
    assert (farmhash.fingerprint32(data), farmhash.fingerprint64(data)) == expected


@pytest.mark.parametrize(("text", "expected"), BEYOND_ASCII.items())
def test_text_beyond_ascii_and_any_bytes_have_them_too(text, expected):
    assert (farmhash.fingerprint32(text), farmhash.fingerprint64(text)) == expected


@pytest.mark.parametrize("wrong", [None, 7, ["a"]])
def test_nothing_but_text_and_bytes_is_taken(wrong):
    with pytest.raises(TypeError, match=type(wrong).__name__):
        farmhash.fingerprint64(wrong)


def test_tfdv_calls_nothing_that_is_not_here():
    sources = Path(importlib.util.find_spec("tensorflow_data_validation").origin).parent
    called = {
        name
        for source in sources.rglob("*.py")
        for name in re.findall(r"\bfarmhash\.(\w+)", source.read_text())
    }
    assert called == {"fingerprint32", "fingerprint64"}


def test_it_is_installed_in_a_version_that_tfdv_asks_for():
    requirements = map(Requirement, importlib.metadata.requires("tensorflow-data-validation"))
    (asked,) = (requirement for requirement in requirements if requirement.name == "pyfarmhash")
    project = tomllib.loads((DISTRIBUTION / "pyproject.toml").read_text())["project"]
    assert importlib.metadata.version("pyfarmhash") == project["version"]
    assert project["version"] in asked.specifier
    ours = DISTRIBUTION / "farmhash" / "__init__.py"
    assert Path(farmhash.__file__).read_text() == ours.read_text()
