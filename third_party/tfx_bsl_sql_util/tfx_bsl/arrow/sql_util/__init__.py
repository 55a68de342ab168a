"""In place of the module that tfx-bsl 1.21 left out: it is imported, and nothing in it works."""

from __future__ import annotations


class RecordBatchSQLSliceQuery:
    """A query that says which slices a record is in. None can be made.

    Raises:
      NotImplementedError: always.
    """

    def __init__(self, sql: str, schema: object):
        raise NotImplementedError(
            f"no slicing by SQL: tfx-bsl 1.21 came without ZetaSQL, which ran {sql!r}; "
            "slice by features instead (slicing_config)"
        )
