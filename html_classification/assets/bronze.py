"""Bronze: what the crawler left."""

from html_classification.assets.stage_asset import stage_asset
from html_classification.lake import Build, Step
from html_classification.lake.crawl_drop import parse_crawl_files, read_crawl_drop
from html_classification.lake.external import ExternalFiles
from html_classification.resources import CrawlDrops
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.raw import RAW


@stage_asset(RAW, reads={}, resources=("crawl",), kinds=("json",))
def raw(crawl: CrawlDrops) -> Build:
    """The day's drop, byte for byte, every line checked."""
    return Build(
        inputs=lambda day: {"drop": ExternalFiles(read_crawl_drop(crawl.store, day), "crawl drop", day)},
        compute=_check_lines,
        keeps_files="drop",
        process=[
            Step(step="keep the crawl drop's files byte for byte"),
            Step(step="check every line: JSON with url, html, timestamp"),
        ],
    )


def _check_lines(drop: ExternalFiles) -> Outcome:
    return parse_crawl_files(((file.name, file.data) for file in drop.files), drop.day)
