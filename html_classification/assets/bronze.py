"""Bronze: what the crawler left."""

from html_classification.assets.stage_asset import stage_asset
from html_classification.lake import Build, Step
from html_classification.lake.crawl_drop import read_crawl_drop
from html_classification.lake.external import DropFiles
from html_classification.resources import CrawlDrops, WorkerProcesses
from html_classification.schemas.raw import RAW
from html_classification.streams.raw import check_drop


@stage_asset(RAW, reads={}, resources=("crawl", "workers"), kinds=("json",))
def raw(crawl: CrawlDrops, workers: WorkerProcesses) -> Build:
    """The day's drop, byte for byte, every line checked."""
    return Build(
        inputs=lambda day: {"drop": DropFiles(read_crawl_drop(crawl.store, day), day)},
        compute=lambda drop: check_drop(drop, workers.pool),
        keeps_files="drop",
        process=[
            Step(step="keep the crawl drop's files byte for byte"),
            Step(step="check every line: JSON with url, html, timestamp"),
        ],
    )
