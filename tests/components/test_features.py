"""What the columns mean: names, order and what makes no sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.features import (
    Features,
    GroupFeature,
    ImageFeature,
    LabelFeature,
    require_network_fits,
    transformed_group,
)
from fairgate.data.membership import Values

names = st.text(
    st.characters(blacklist_characters="[]=\n", blacklist_categories=("Cs", "Cc")), min_size=1
).filter(str.strip)


def feature_of(groups: list[str]) -> GroupFeature:
    return GroupFeature(name="column", values={name: index for index, name in enumerate(groups)})


@given(
    st.dictionaries(
        names, st.lists(names, min_size=2, max_size=4, unique=True), min_size=1, max_size=3
    )
)
def test_membership_columns_follow_the_order_of_the_settings(groups):
    features = Features(groups={name: feature_of(members) for name, members in groups.items()})
    assert features.group_names == groups
    assert features.membership_columns() == [
        (feature, member) for feature, members in groups.items() for member in members
    ]
    # The order is kept on the way through JSON, as it travels into a component.
    again = Features.model_validate_json(features.model_dump_json())
    assert again.membership_columns() == features.membership_columns() and again == features


@pytest.mark.parametrize(
    ("negative", "positive"), [(0, 1), (1, 0), (-1, 1), ("no", "yes"), ("0", "1")]
)
def test_the_positive_value_has_index_one(negative, positive):
    label = LabelFeature(name="smiling", positive=positive, negative=negative)
    for each in (label, LabelFeature.model_validate_json(label.model_dump_json())):
        found = each.membership.members(Values.of([negative, positive]))
        assert [list(of_class) for of_class in found.groups] == [[True, False], [False, True]]


@pytest.mark.parametrize(
    ("negative", "positive"), [(1, 1), ("a", "a"), (0, "1"), (True, 0), ("1", ["2", "1"])]
)
def test_label_values_are_two_and_of_one_type(negative, positive):
    with pytest.raises(ValueError, match=r"two different values|neither a number|integer"):
        LabelFeature(name="smiling", positive=positive, negative=negative)


def test_every_group_feature_has_a_column_of_its_own_after_transform():
    assert transformed_group("Young") != transformed_group("Male")


# Tables.


def test_columns_are_given_by_name_alone_or_with_more():
    features = Features(
        numeric=["age", {"name": "gain", "scale": "log"}],
        categorical=["work", {"name": "country", "vocabulary": 20}],
    )
    assert [(c.name, c.scale) for c in features.numeric] == [("age", "z_score"), ("gain", "log")]
    assert [(c.name, c.vocabulary) for c in features.categorical] == [
        ("work", 1000),
        ("country", 20),
    ]
    assert features.input_columns == ["age", "gain", "work", "country"]
    assert Features.model_validate_json(features.model_dump_json()) == features


def test_the_default_picture_is_not_in_a_table():
    assert Features().image == ImageFeature()
    assert Features(numeric=["age"]).image is None and Features(categorical=["work"]).image is None
    both = Features(image={"name": "face"}, numeric=["age"])
    assert both.image == ImageFeature(name="face") and both.input_columns == ["face", "age"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image": None}, "nothing to learn from"),
        ({"numeric": ["age", "age"]}, "'age' is named twice"),
        ({"numeric": ["age"], "categorical": ["age"]}, "'age' is named twice"),
        ({"image": {"name": "a"}, "numeric": ["a"]}, "'a' is named twice"),
        ({"categorical": ["attributes/Smiling"]}, "the network would read the answer"),
        (
            {
                "numeric": ["sex"],
                "groups": {"Sex": {"name": "sex", "values": {"Male": "m", "Female": "f"}}},
            },
            r"groups\.Sex\.values says that it holds text",
        ),
        ({"numeric": [{"name": "age", "scale": "log10"}]}, "z_score"),
        ({"numeric": [{"nam": "age"}]}, "nam"),
        ({"numeric": "age"}, "tuple"),
        ({"weight": "w"}, "of weights without a largest nothing can be promised"),
        ({"largest_weight": 2}, "largest_weight = 2 is given without weight"),
        ({"weight": "attributes/Young", "largest_weight": 2}, "is the label, a group, an input"),
        ({"numeric": ["w"], "weight": "w", "largest_weight": 2}, "is the label, a group, an input"),
        ({"weight": "u", "unit": "u", "largest_weight": 2}, "is the label, a group, an input"),
        ({"weight": "w", "largest_weight": 0}, "greater than 0"),
        ({"weight": "w", "largest_weight": float("inf")}, "finite"),
    ],
)
def test_inputs_that_make_no_sense_are_refused(given, message):
    with pytest.raises(ValueError, match=message.replace("the network", "a network")):
        Features(**given)


def test_a_group_may_be_an_input_too():
    features = Features(
        categorical=["sex"],
        groups={"Sex": GroupFeature(name="sex", values={"Male": "m", "Female": "f"})},
    )
    assert features.input_columns == ["sex"]


PICTURE, TABLE = Features(), Features(numeric=["age"])
BOTH = Features(image={}, numeric=["age"])


@pytest.mark.parametrize(
    ("network", "features"),
    [
        *(("mlp", features) for features in (PICTURE, TABLE, BOTH)),
        *((name, features) for name in ("cnn", "resnet") for features in (PICTURE, BOTH)),
        ("tabular", TABLE),
        *(("mine:network", features) for features in (PICTURE, TABLE, BOTH)),
    ],
)
def test_a_network_that_fits_the_inputs_is_accepted(network, features):
    require_network_fits(network, features)


@pytest.mark.parametrize(
    ("network", "features", "message"),
    [
        ("cnn", TABLE, "'cnn' looks at pictures.*tabular or mlp"),
        ("resnet", TABLE, "'resnet' looks at pictures.*tabular or mlp"),
        ("tabular", PICTURE, "'tabular' sees numeric and categorical.*mlp, cnn or resnet"),
        ("tabular", BOTH, "'tabular' sees numeric and categorical.*mlp, cnn or resnet"),
    ],
)
def test_a_network_without_use_for_the_inputs_is_refused(network, features, message):
    with pytest.raises(ValueError, match=message):
        require_network_fits(network, features)
