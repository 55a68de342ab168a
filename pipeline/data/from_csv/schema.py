"""A draft of the data contract, for a person to look through."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.columns import memberships
from components.features import Features
from pipeline.data.from_csv.days import SINCE
from pipeline.data.from_csv.reading import Table, named_values

_HEAD = """\
# A draft, made of the rows that were there. Look through it: it is what every later file is held to.
# presence and shape: each record has a value; value_count: a record may have none.
"""


def draft(
    parts: Sequence[tuple[Table, Sequence[int]]],
    features: Features,
    whole: Collection[str] = (),
    dated: Collection[str] = (),
) -> str:
    """The contract of the columns of tables, as a TFMD Schema in text.

    Label and groups take the values of the settings only; numbers and categories may be anything. A
    column may be without value later only if it is in a row now, of any split: a contract that the
    dataset itself breaks would be none.

    Args:
      parts: tables of the same columns, and which of their rows there are.
      features: what the columns mean.
      whole: the columns of numbers that are written as int64.
      dated: those that are days, made of dates.
    """
    schema = schema_pb2.Schema()
    if features.image is not None:
        picture = schema.feature.add(name=features.image.name, type=schema_pb2.BYTES)
        picture.image_domain.SetInParent()
        picture.presence.min_fraction = 1.0
        picture.presence.min_count = 1
        picture.shape.SetInParent()
    asked = memberships(features)
    numbers = {column.name for column in features.numeric} | {features.weight}
    for name in parts[0][0].columns:
        column = schema.feature.add(name=name)
        known = named_values(features, name)
        codes = [value for value in known if isinstance(value, int)]
        is_open = any(each.is_open for each in asked.get(name, []))
        if name in numbers:
            column.type = schema_pb2.INT if name in whole else schema_pb2.FLOAT
            if name in dated:
                column.annotation.comment.append(SINCE)
        elif codes:
            column.type = schema_pb2.INT
            column.int_domain.min, column.int_domain.max = min(codes), max(codes)
        else:
            column.type = schema_pb2.BYTES
            if known and not is_open:
                column.string_domain.value.extend(dict.fromkeys(map(str, known)))
        may_lack = any(each.takes_nothing for each in asked.get(name, []))
        if not may_lack and all(
            table.columns[name][row] is not None for table, rows in parts for row in rows
        ):
            column.presence.min_fraction = 1.0
            column.shape.SetInParent()
        else:
            column.value_count.min = column.value_count.max = 1
        column.presence.min_count = 1
    lines = [text_format.MessageToString(column, as_one_line=True) for column in schema.feature]
    return _HEAD + "".join(f"feature {{ {line.strip()} }}\n" for line in lines)
