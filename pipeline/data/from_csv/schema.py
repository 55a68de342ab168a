"""A draft of the data contract, for a person to look through."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.features import Features, RawValue
from pipeline.data.from_csv.reading import Table

_HEAD = """\
# A draft, made of the rows that were there. Look through it: it is what every later file is held to.
# presence and shape: each record has a value; value_count: a record may have none.
"""


def draft(
    parts: Sequence[tuple[Table, Sequence[int]]], features: Features, whole: Collection[str] = ()
) -> str:
    """The contract of the columns of tables, as a TFMD Schema in text.

    Label and groups take the values of the settings only; numbers and categories may be anything. A
    column may be without value later only if it is in a row now, of any split: a contract that the
    dataset itself breaks would be none.

    Args:
      parts: tables of the same columns, and which of their rows there are.
      features: what the columns mean.
      whole: the columns of numbers that are written as int64.
    """
    schema = schema_pb2.Schema()
    named: dict[str, tuple[RawValue, ...]] = {features.label.name: features.label.values}
    named |= {group.name: tuple(group.values.values()) for group in features.groups.values()}
    numbers = {column.name for column in features.numeric} | {features.weight}
    for name in parts[0][0].columns:
        column = schema.feature.add(name=name)
        known = named.get(name, ())
        if known and isinstance(known[0], int):
            column.type = schema_pb2.INT
            column.int_domain.min, column.int_domain.max = min(known), max(known)
        elif name in numbers:
            column.type = schema_pb2.INT if name in whole else schema_pb2.FLOAT
        else:
            column.type = schema_pb2.BYTES
            if known:
                column.string_domain.value.extend(str(value) for value in known)
        if all(table.columns[name][row] is not None for table, rows in parts for row in rows):
            column.presence.min_fraction = 1.0
            column.shape.SetInParent()
        else:
            column.value_count.min = column.value_count.max = 1
        column.presence.min_count = 1
    lines = [text_format.MessageToString(column, as_one_line=True) for column in schema.feature]
    return _HEAD + "".join(f"feature {{ {line.strip()} }}\n" for line in lines)
