"""What the columns mean: names, order and what makes no sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.features import Features, GroupFeature, LabelFeature, transformed_group

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
    assert label.values.index(positive) == 1
    assert LabelFeature.model_validate_json(label.model_dump_json()).values == label.values


@pytest.mark.parametrize(
    ("negative", "positive"), [(1, 1), ("a", "a"), (0, "1"), (True, 0), (0.5, 1)]
)
def test_label_values_are_two_and_of_one_type(negative, positive):
    with pytest.raises(ValueError, match=r"two different values|neither a number|integer"):
        LabelFeature(name="smiling", positive=positive, negative=negative)


def test_every_group_feature_has_a_column_of_its_own_after_transform():
    assert transformed_group("Young") != transformed_group("Male")
