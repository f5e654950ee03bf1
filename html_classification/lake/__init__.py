"""The lake: versioned datasets in plain files, on a folder or on S3.

Belongs here: paths, recipes and versions, metadata, writing, auditing, publishing, reading. Does not belong
here: Dagster (only `io_manager.py` brings the two together) and how any stage is computed.

From a notebook:

    from html_classification.lake import Lake
    lake = Lake("data/lake")
    frame = lake.read("annotated", "2026-03-01")
"""

from html_classification.lake.building import Build, Materialization, RunInfo, TheDay, materialize
from html_classification.lake.dataset import Dataset, Slice, Upstream
from html_classification.lake.errors import BuildError, LakeError
from html_classification.lake.lake import Lake
from html_classification.lake.metadata import Metadata, Step

__all__ = [
    "Build",
    "BuildError",
    "Dataset",
    "Lake",
    "LakeError",
    "Materialization",
    "Metadata",
    "RunInfo",
    "Slice",
    "Step",
    "TheDay",
    "Upstream",
    "materialize",
]
