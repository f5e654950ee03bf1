"""The daily partitions.

Belongs here: the one partitions definition that every asset has, and how a window of days maps to it. Does
not belong here: anything about a particular asset.

Why daily, and why one definition: the crawl comes by the day, so a day is what fails, is repaired and is
rebuilt. The partition key is the day *of the data*; the day of the run stands in the metadata. With the same
definition everywhere Dagster can run a range of days of all assets in one run, which is far cheaper than a
run for each day: a run costs seconds to start, a day of a small stage takes milliseconds.
"""

import warnings
from datetime import date

import dagster as dg

from html_classification.settings import load_settings

# Pinned and covered by tests, so that its being beta is no news to a user of this project.
warnings.filterwarnings("ignore", message="Parameter `allow_nonexistent_upstream_partitions` of")

#: About a month of days in a run: a failed run repeats little, and a year is a dozen runs.
BACKFILL_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=30)


def daily_partitions(start: date | None = None) -> dg.DailyPartitionsDefinition:
    """Days in UTC from `start` (by default HTML_CLASSIFICATION_START_DATE) until yesterday."""
    return dg.DailyPartitionsDefinition(start_date=(start or load_settings().start_date).isoformat(), timezone="UTC")


def window(days: int) -> dg.TimeWindowPartitionMapping:
    """Map a day to the `days` days that end with it; days before the first partition are left out."""
    return dg.TimeWindowPartitionMapping(start_offset=1 - days, allow_nonexistent_upstream_partitions=True)
