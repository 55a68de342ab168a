"""third_party/tfx_bsl_sql_util: there to be imported by all that runs, and by Beam's workers."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tfx_bsl.arrow import sql_util


def test_slicing_by_sql_is_refused_with_the_way_out():
    with pytest.raises(NotImplementedError, match=r"'SELECT 1'; slice by features instead"):
        sql_util.RecordBatchSQLSliceQuery("SELECT 1", None)


@pytest.mark.slow
def test_tfdv_can_be_imported_before_tfx_as_workers_do():
    code = "import sys, tensorflow_data_validation; assert 'tfx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=300)
