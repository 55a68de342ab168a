"""People of the synthetic CelebA have several pictures, which resemble each other."""

import itertools

import numpy as np
import pytest

from pipeline.data.synthetic_celeba.attributes import (
    MOUTH_SLIGHTLY_OPEN,
    TRAITS,
    YOUNG,
    sample_people,
)
from pipeline.data.synthetic_celeba.draws import Draws, first_pictures
from pipeline.data.synthetic_celeba.faces import sample

IMAGES, PICTURES = 120_000, 3


@pytest.fixture(scope="module")
def draws():
    return Draws(seed=1, split="train", start=0, count=IMAGES, pictures=PICTURES)


@pytest.fixture(scope="module")
def people(draws):
    return sample_people(draws)


@pytest.mark.parametrize("pictures", [1, 2, 3, 20])
def test_people_have_one_picture_to_twice_the_mean_less_one(pictures):
    first = first_pictures(np.arange(pictures * (2 * pictures - 1) * 50), pictures)
    _, sizes = np.unique(first, return_counts=True)
    kinds, often = np.unique(sizes, return_counts=True)
    assert kinds.tolist() == list(range(1, 2 * pictures))
    assert set(often.tolist()) == {50}
    assert np.all(np.diff(first) >= 0) and np.all(first[first] == first)
    later = np.arange(37, 50)
    assert np.array_equal(first_pictures(later, pictures), first[37:50])


def test_the_first_picture_of_a_person_is_the_same_however_many_follow():
    alone, together = (list(sample(0, "test", 0, 60, pictures)) for pictures in (1, PICTURES))
    first = first_pictures(np.arange(60), PICTURES)
    for place, start in enumerate(first.tolist()):
        assert (alone[place] == together[place]) == (place == start)
        assert together[place].identity == alone[start].identity
    assert len({face.identity for face in alone}) == 60


def test_a_person_is_the_same_whatever_range_the_pictures_are_drawn_in():
    whole = list(sample(0, "validation", 0, 40, PICTURES))
    for start in (1, 7, 8):
        assert list(sample(0, "validation", start, 12, PICTURES)) == whole[start : start + 12]


def test_a_person_looks_alike_on_every_picture_and_is_in_one_split():
    faces = {
        split: list(sample(0, split, 0, 300, PICTURES)) for split in ("train", "validation", "test")
    }
    for some in faces.values():
        for one, next_one in itertools.pairwise(some):
            looks = [
                (face.skin, face.iris, face.jaw, face.attributes["Young"])
                for face in (one, next_one)
            ]
            assert (looks[0] == looks[1]) == (one.identity == next_one.identity)
            assert one.backdrop != next_one.backdrop
    owners = [{face.identity for face in some} for some in faces.values()]
    assert not (owners[0] & owners[1] or owners[0] & owners[2] or owners[1] & owners[2])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((trait.name, trait.frequency) for trait in TRAITS),
        ("Young", YOUNG),
        ("Mouth_Slightly_Open", MOUTH_SLIGHTLY_OPEN),
    ],
)
def test_pictures_show_what_they_would_show_if_everybody_had_one(people, name, expected):
    """At most 5 standard errors off, as of so many people as there are at least."""
    error = np.sqrt(expected * (1 - expected) / IMAGES * 11 / 3)  # E[n^2] / E[n] of 1 to 5 pictures
    assert abs(people.attributes[name].mean() - expected) < 5 * error


def correlation(draws, errs, among) -> float:
    """Of two examples of one person, over all pairs of them."""
    _, person = np.unique(draws.first[among], return_inverse=True)
    off = errs[among] - errs[among].mean()
    sizes = np.bincount(person)
    pairs = (np.bincount(person, off) ** 2).sum() - (off**2).sum()
    return pairs / (sizes * (sizes - 1)).sum() / off.var()


@pytest.mark.parametrize("label", [True, False])
def test_mistakes_about_one_person_resemble_each_other(draws, people, label):
    """Of whoever judges by the expression; those about different people do not."""
    smiling = people.attributes["Smiling"]
    wrong = ((people.smile > 0) != smiling).astype(float)
    assert 0.15 < correlation(draws, wrong, smiling == label) < 0.45
    alone = Draws(seed=1, split="train", start=0, count=IMAGES)
    own = sample_people(alone)
    wrong = ((own.smile > 0) != own.attributes["Smiling"]).astype(float)
    assert abs(correlation(draws, wrong, own.attributes["Smiling"] == label)) < 0.02
