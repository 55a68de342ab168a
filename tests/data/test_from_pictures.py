"""Folders of pictures into a dataset: layouts, names, splits, and what is refused in which words."""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from components import tfrecords
from fairgate.errors import DataError, SettingsError
from pipeline.__main__ import main
from pipeline.data.from_csv.config import CsvSettings
from pipeline.data.from_pictures import drafting, listing, making, tables
from pipeline.data.from_pictures.files import Files, Place, places
from pipeline.settings import load

SIZES = {"train": 20, "validation": 10, "test": 10}
NUMBERS = {"train": 0, "validation": 1, "test": 2}
COUNT = sum(SIZES.values())


def picture(number: int, kind: str = "JPEG") -> bytes:
    """Different for each number."""
    pixels = np.random.default_rng(number).integers(0, 255, (8, 6, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return file.getvalue()


def rows() -> list[tuple[str, int, int, str]]:
    """(name, Smiling, Young, split) of each picture."""
    splits = [split for split, size in SIZES.items() for _ in range(size)]
    return [
        (f"{number:06d}.jpg", 1 if number % 2 else -1, 1 if number % 3 else -1, split)
        for number, split in enumerate(splits, 1)
    ]


@pytest.fixture
def kaggle(tmp_path, monkeypatch) -> Path:
    """CelebA in small, as Kaggle ships it, and as its authors do."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "img_align_celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    for number, (name, *_) in enumerate(rows(), 1):
        (folder / name).write_bytes(picture(number))
    attributes = [f"{name},{smiling},{young}" for name, smiling, young, _ in rows()]
    write(tmp_path / "list_attr_celeba.csv", "image_id,Smiling,Young", *attributes)
    parts = [(name, NUMBERS[split]) for name, _, _, split in rows()]
    write(
        tmp_path / "list_eval_partition.csv", "image_id,partition", *(f"{n},{p}" for n, p in parts)
    )
    spaced = [f"{name} {smiling:2d} {young:2d}" for name, smiling, young, _ in rows()]
    write(tmp_path / "list_attr_celeba.txt", str(COUNT), "Smiling Young ", *spaced)
    write(tmp_path / "list_eval_partition.txt", *(f"{n} {p}" for n, p in parts))
    return tmp_path


def write(file: Path, *lines: str) -> Path:
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def examples(folder: str | Path, split: str) -> list[dict]:
    """The records of a split, each as a mapping."""
    found = []
    for file in sorted(Path(folder).glob(f"*-{split}.tfrecord*")):
        for record in tfrecords.records(str(file)):
            columns = tf.train.Example.FromString(record).features.feature
            found.append(
                {
                    name: next(iter(getattr(of, of.WhichOneof("kind")).value))
                    for name, of in columns.items()
                }
            )
    return found


def _image(example: dict) -> bytes:
    return example["image"]


def command(*arguments: str) -> list[str]:
    return ["data", "from-pictures", *arguments, "--json"]


def settings(**features) -> str:
    """A settings file for pictures of smiles."""
    tree = {
        "image": {"name": "image", "height": 8, "width": 6},
        "label": {"name": "Smiling", "positive": 1, "negative": -1},
        "groups": {"Young": {"name": "Young", "values": {"Young": 1, "Old": -1}}},
    } | features
    constraint = ["max_gap(FPR, [Young]) <= 0.1"]
    whole = {
        "data": {"path": "made", "schema_file": "mine/schema.pbtxt", "features": tree},
        "trainer": {"constraints": constraint},
        "gate": {"constraints": constraint},
    }
    Path("settings.yaml").write_text(json.dumps(whole), encoding="utf-8")
    return "settings.yaml"


@pytest.mark.parametrize("ends", [(".csv", ".csv"), (".txt", ".txt"), (".txt", ".csv")])
def test_celeba_as_kaggle_and_as_its_authors_ship_it(kaggle, capsys, ends):
    table, partition = f"list_attr_celeba{ends[0]}", f"list_eval_partition{ends[1]}"
    told = ["--csv", table, "--partition", partition]
    assert main(command("img_align_celeba", *told)) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"] == SIZES and document["skipped"] == []
    assert document["warnings"][0].startswith(
        "took Smiling for the label, and Young for the groups"
    )
    drafted = load([document["drafted_settings"]]).data
    assert drafted.features.group_names == {"Young": ["Young", "Not Young"]}
    start = 1
    for split, size in SIZES.items():
        found = examples(document["folder"], split)
        expected = [
            {"image": picture(number), "Smiling": row[1], "Young": row[2]}
            for number, row in enumerate(rows(), 1)
            if start <= number < start + size
        ]
        assert sorted(found, key=_image) == sorted(expected, key=_image)
        start += size
    text = Path(document["schema_file"]).read_text()
    assert "image_domain" in text and 'name: "Smiling"' in text


def test_other_kinds_are_encoded_anew_and_said_to_be(kaggle, capsys):
    folder = kaggle / "img_align_celeba" / "img_align_celeba"
    for number, kind in ((1, "WEBP"), (2, "BMP"), (3, "WEBP")):
        (folder / f"{number:06d}.jpg").write_bytes(picture(number, kind))
    told = ["--csv", "list_attr_celeba.csv", "--partition", "list_eval_partition.csv"]
    assert main(command("img_align_celeba", *told)) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["encoded_anew"] == {"WebP": 2, "BMP": 1}
    found = {example["image"] for example in examples(document["folder"], "train")}
    decoded = [np.asarray(Image.open(io.BytesIO(content))).tobytes() for content in found]
    for number in (1, 2, 3):
        same = np.asarray(Image.open(io.BytesIO(picture(number, "PNG")))).tobytes()
        assert same in decoded


def test_what_is_missing_or_broken_is_told_by_name_and_count_and_nothing_is_made(kaggle, capsys):
    folder = kaggle / "img_align_celeba" / "img_align_celeba"
    (folder / "000002.jpg").unlink()
    (folder / "000003.jpg").write_bytes(picture(3)[:200])
    (folder / "000004.jpg").write_text("no picture")
    write(
        kaggle / "list_eval_partition.csv",
        "image_id,partition",
        *(f"{name},{NUMBERS[split]}" for name, _, _, split in rows() if name != "000005.jpg"),
    )
    before = sorted(kaggle.rglob("*"))
    told = ["--csv", "list_attr_celeba.csv", "--partition", "list_eval_partition.csv"]
    assert main(command("img_align_celeba", *told)) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    message = error if isinstance(error, str) else error["message"]
    assert "4 pictures cannot be used" in message and "--skip-broken" in message
    for said in (
        "000002.jpg is missing",
        "000003.jpg is a damaged JPEG picture",
        "000004.jpg is no picture",
        "000005.jpg is in no split",
    ):
        assert said in message
    assert sorted(kaggle.rglob("*")) == before
    assert main(command("img_align_celeba", *told, "--skip-broken")) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"] == SIZES | {"train": 16} and len(document["skipped"]) == 4


def test_a_folder_for_each_class_and_a_table_of_groups(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = ["file;where"]
    for number in range(60):
        kind = ("Hunde", "Köt ze")[number % 2]  # two classes
        file = tmp_path / "pets" / kind / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture(number, "PNG"))
        lines.append(f"{kind}/{number}.png;{('in', 'out', '室外')[number % 3]}")
    write(tmp_path / "where.csv", *lines)
    told = ["--csv", "where.csv", "--groups", "where", "--positive", "Hunde"]
    assert main(command("pets", *told, "--write", "mine.yaml")) == 0
    document = json.loads(capsys.readouterr().out)
    assert sum(document["rows"].values()) == 60 and document["drafted_settings"] == "mine.yaml"
    tree = load(["mine.yaml"]).data
    assert tree.csv.delimiter == ";" and tree.features.label.positive == "Hunde"
    assert tree.features.group_names == {"where": ["in", "out", "室外"]}
    found = examples(tree.path, "train")
    by_picture = {picture(number, "PNG"): number for number in range(60)}
    assert found and all(
        example["class"].decode() == ("Hunde", "Köt ze")[by_picture[example["image"]] % 2]
        and example["where"].decode() == ("in", "out", "室外")[by_picture[example["image"]] % 3]
        for example in found
    )
    assert main(command("pets", *told, "--write", "mine.yaml")) == 2  # never written over
    assert "is there already" in capsys.readouterr().out


def test_folders_of_splits_and_a_split_that_is_not_there(kaggle, capsys):
    folder = kaggle / "img_align_celeba" / "img_align_celeba"
    for name, _, _, split in rows():
        target = kaggle / "by" / ("test" if split == "test" else "Train") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).rename(target)
    assert main(command("by", "--csv", "list_attr_celeba.csv")) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"]["test"] == SIZES["test"] and document["rows"]["validation"] > 0
    assert sum(document["rows"].values()) == COUNT
    assert any("nothing is said to be the split validation" in w for w in document["warnings"])


def test_pictures_of_one_person_stay_in_one_split(kaggle, capsys):
    lines = [f"{row[0]},{row[1]},{row[2]},{number // 4}" for number, row in enumerate(rows())]
    write(kaggle / "people.csv", "image_id,Smiling,Young,who", *lines)
    told = ["--csv", "people.csv", "--settings", settings(unit="who")]
    shares = [f"data.csv.shares.{split}=0.5" for split in ("train", "validation", "test")]
    told += [word for share in shares for word in ("--set", share)]
    assert main(command("img_align_celeba", *told)) == 0
    document = json.loads(capsys.readouterr().out)
    people = [
        {example["who"] for example in examples(document["folder"], split)} for split in SIZES
    ]
    assert sum(map(len, people)) == len(set.union(*people)) == COUNT // 4


def test_a_column_of_the_table_may_be_the_partition(kaggle, capsys):
    words = {"train": "Train", "validation": "val", "test": "testing"}
    lines = [f"{row[0]},{row[1]},{row[2]},{words[row[3]]}" for row in rows()]
    write(kaggle / "people.csv", "image_id,Smiling,Young,which", *lines)
    told = ["--csv", "people.csv", "--settings", settings()]
    assert main(command("img_align_celeba", *told, "--partition", "which")) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"] == SIZES
    assert "which" not in examples(document["folder"], "test")[0]
    assert main(command("img_align_celeba", *told, "--partition", "Young")) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--label", "Smilng"], "has no column 'Smilng'; did you mean 'Smiling'?"),
        (["--groups", "image_id"], "the column holds 40 values"),
        (["--positive", "7"], "'Smiling' never holds that; it holds -1, 1"),
        (["--csv", "nothing.csv"], "nothing.csv: cannot be read: No such file"),
        (["--partition", "nothing"], "--partition nothing: is no file, and no column of"),
        (["--partition", "list_attr_celeba.csv"], "expected a split: 0, 1 or 2"),
        (["--file-column", "Young"], "such as: 1 is missing"),
        (["--file-column", "name"], "has no column 'name'"),
        (["--settings", "mine.yaml"], "give one or the other"),
        (["--write", "list_attr_celeba.csv"], "is there already, and was not touched"),
    ],
)
def test_what_is_asked_wrongly_is_told(kaggle, capsys, changes, said):
    asked = {
        "--csv": "list_attr_celeba.csv",
        "--label": "Smiling",
        "--groups": "Young",
    } | dict(zip(changes[::2], changes[1::2], strict=True))
    arguments = [word for pair in asked.items() for word in pair]
    before = sorted(kaggle.rglob("*"))
    assert main(command("img_align_celeba", *arguments)) != 0
    assert said in json.dumps(json.loads(capsys.readouterr().out), ensure_ascii=False)
    assert sorted(kaggle.rglob("*")) == before


def test_without_groups_the_way_out_is_told(kaggle, capsys):
    write(kaggle / "few.csv", "file,happy", "000001.jpg,1", "000002.jpg,0")
    assert main(command("img_align_celeba", "--csv", "few.csv")) != 0
    assert "--csv FILE --label NAME --groups NAME,NAME" in capsys.readouterr().out
    assert main(command("nowhere")) != 0
    assert "nowhere: no such folder" in capsys.readouterr().out


# Names.

NAMES = st.text(
    st.characters(blacklist_characters="/\\\0", blacklist_categories=("Cs",)),
    min_size=1,
    max_size=9,
).map(lambda name: unicodedata.normalize("NFC", name.strip(" .")) or "a")


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=6, unique=True))
def test_a_picture_is_found_by_its_path_in_any_form(parts):
    root = Path("/pictures")
    paths = list({root / f"{folder}" / f"{name}.jpg" for folder, name in parts})
    files = Files(root, paths)
    for path in paths:
        name = path.relative_to(root).as_posix()
        folded = {unicodedata.normalize("NFC", str(other).strip()) for other in paths}
        if len(folded) < len(paths) or name != name.strip():
            continue
        for form in ("NFC", "NFD"):
            assert files.find(unicodedata.normalize(form, name)) == path
            assert files.find("./" + name.replace("/", "\\")) == path


def test_a_picture_is_found_by_the_end_of_its_path_without_suffix_and_with_more_in_front():
    root = Path("/pictures")
    files = Files(root, [root / "a" / "1.jpg", root / "b" / "1.jpg", root / "b" / "zwei.JPG"])
    for name in ("zwei.JPG", "zwei", "b/zwei", "data/pictures/b/zwei.JPG", " zwei "):
        assert files.find(name) == root / "b" / "zwei.JPG"
    assert files.find("a/1") == root / "a" / "1.jpg"
    with pytest.raises(ValueError, match=r"may be a/1.jpg, or b/1.jpg"):
        files.find("1.jpg")
    for name in ("", None, "2.jpg", "zwei.png"):
        with pytest.raises(ValueError, match="is missing"):
            files.find(name)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["cats/1.jpg", "dogs/2.jpg"], [(None, "cats"), (None, "dogs")]),
        (["all/of/cats/1.jpg", "all/of/dogs/x/2.jpg"], [(None, "cats"), (None, "dogs")]),
        (["train/cats/1.jpg", "Val/dogs/2.jpg"], [("train", "cats"), ("validation", "dogs")]),
        (["x/train/1.jpg", "x/test/2.jpg"], [("train", None), ("test", None)]),
        (["0/1.jpg", "1/2.jpg"], [(None, "0"), (None, "1")]),  # classes, as of digits
        (["1.jpg", "cats/2.jpg"], [(None, None), (None, "cats")]),
        (["1.jpg"], [(None, None)]),
    ],
)
def test_what_folders_say(names, expected):
    root = Path("/pictures")
    files = Files(root, [root / name for name in names])
    assert list(places(files).values()) == [Place(*each) for each in expected]


def test_a_picture_that_is_named_twice_is_no_two_examples(kaggle):
    write(
        kaggle / "twice.csv", "image_id,Smiling,Young", "1.jpg,1,1", "000001.jpg,1,1", "000001,1,1"
    )
    files, _ = making.files_below(kaggle / "img_align_celeba")
    features = load([settings()]).data.features
    found = listing.make(files, kaggle / "twice.csv", features, CsvSettings())
    assert [str(problem) for problem in found.problems] == [
        "1.jpg is missing: there is no such file",
        "000001 is there twice: row 3 names it again",
    ]
    assert len(found.paths) == 1 and found.table.columns == {"Smiling": [1], "Young": [1]}
    assert found.warnings == ["39 pictures are in no row of the table, and left out"]


def test_a_line_of_a_spaced_table_is_told_as_it_is_in_the_file(kaggle):
    text = (kaggle / "list_attr_celeba.txt").read_text().splitlines()
    text[0], text[5] = "50", "000004.jpg 1 7"
    write(kaggle / "list_attr_celeba.txt", *text)
    files, _ = making.files_below(kaggle / "img_align_celeba")
    features = load([settings()]).data.features
    with pytest.raises(DataError, match=r"list_attr_celeba.txt: line 6: column 'Young' holds '7'"):
        listing.make(files, kaggle / "list_attr_celeba.txt", features, CsvSettings())
    with tables.opened(kaggle / "list_attr_celeba.txt", CsvSettings()) as source:
        assert source.warnings[0].endswith("its first line says 50 rows, and it holds 40")


@pytest.mark.parametrize(
    ("values", "positive", "expected"),
    [
        (["1", "0"], None, {"positive": 1, "negative": 0}),
        (["Yes", "no"], None, {"positive": "Yes", "negative": "no"}),
        (["a", "b", ""], None, {"positive": "b", "negative": "a", "left_out": [None]}),
        (["a", "b", "c"], "a", {"positive": "a", "others": "negative"}),
        (["01", "2"], "01", {"positive": "01", "negative": "2"}),
    ],
)
def test_the_label_is_drafted_by_its_values(tmp_path, values, positive, expected):
    (tmp_path / "0.jpg").write_bytes(picture(0))
    lines = [f"0.jpg,{value},{number % 2}" for number, value in enumerate(values)]
    table = write(tmp_path / "table.csv", "file,what,[group]", *lines)
    files, _ = making.files_below(tmp_path)
    asked = drafting.Asked("what", ["[group]"], positive)
    tree, _ = drafting.draft(files, table, asked, tmp_path)
    features = tree["data"]["features"]
    assert features["label"] == {"name": "what"} | expected
    assert features["groups"] == {
        "_group_": {"name": "[group]", "values": {"_group_": 1, "Not _group_": 0}}
    }
    assert features["image"] == {"name": "image", "height": 8, "width": 6, "channels": 3}


def test_three_classes_need_a_word(tmp_path):
    (tmp_path / "0.jpg").write_bytes(picture(0))
    table = write(tmp_path / "table.csv", "file,what,g", *(f"0.jpg,{v},{v}" for v in "abc"))
    files, _ = making.files_below(tmp_path)
    with pytest.raises(SettingsError, match="holds 3 values"):
        drafting.draft(files, table, drafting.Asked("what", ["g"]), tmp_path)
