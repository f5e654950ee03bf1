"""The daily partitions.

Belongs here: the one partitions definition that every asset has. Does not belong here: anything about a
particular asset.

Why daily, and why one definition: the crawl comes by the day, so a day is what fails, is repaired and is
rebuilt. The partition key is the day *of the data*; the day of the run stands in the metadata. With the same
definition everywhere Dagster can run a range of days of all assets in one run, which is far cheaper than a
run for each day: a run costs seconds to start, a day of a small stage takes milliseconds.

A training set needs the days before its own too, but Dagster is told of the same day only. Told of the window, it
would make of every backfill of four days one of 33 (all days in whose windows the four lie), up to days that have no
crawl yet. The window is read from the lake instead: the exact versions stand in the metadata, how many days there
were in the figure `days`, and a run after more days have come builds the set anew, since its recipe has changed.
"""

from datetime import date

import dagster as dg

from html_classification.settings import load_settings

#: About a month of days in a run: a failed run repeats little, and a year is a dozen runs.
BACKFILL_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=30)


def daily_partitions(start: date | None = None) -> dg.DailyPartitionsDefinition:
    """Days in UTC from `start` (by default HTML_CLASSIFICATION_START_DATE) until yesterday."""
    return dg.DailyPartitionsDefinition(start_date=(start or load_settings().start_date).isoformat(), timezone="UTC")
