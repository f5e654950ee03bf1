"""Small crawls for tests.

Belongs here: pages, crawl drops and a project folder made of them. Does not belong here: the sample crawl
(`data/generator`), which is larger.
"""

import gzip
import json
import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from html_classification.definitions import build_defs
from html_classification.io_manager import LakeIOManager
from html_classification.lake import Lake
from html_classification.resources import CrawlDrops, LabelSource, Tracking, TrainingProcesses

REPOSITORY = Path(__file__).parent.parent
FIRST_DAY = date(2026, 3, 1)
WORDS = {
    "cooking": "soup onion butter simmer oven recipe garlic pan salt flour dough roast",
    "sports": "match goal team league coach season player score referee stadium final cup",
    "finance": "bank interest loan fund share market budget tax rate saving dividend bond",
}
COMMON = "people often think about this when they look for something new and it takes time to get used to"


def page(category: str, number: int, words: int = 60) -> dict[str, Any]:
    """A page of a category, always the same for the same number."""
    chance = random.Random(f"{category}-{number}")
    vocabulary = WORDS[category].split()
    text = " ".join(chance.choice(vocabulary if chance.random() < 0.5 else COMMON.split()) for _ in range(words))
    title = f"{chance.choice(vocabulary).title()} number {number}"
    return {
        "url": f"https://{category}.example/pages/{number}",
        "html": f"<html lang=en><head><title>{title}</title></head><body><nav>Home About</nav>"
        f"<article><h1>{title}</h1><p>{text}.</p></article><footer>All rights reserved</footer></body></html>",
        "category": category,
    }


def day_pages(day: date, each: int = 4) -> list[dict[str, Any]]:
    """The pages of a day: `each` of every category, other ones every day."""
    first = (day - FIRST_DAY).days * each
    return [page(category, first + number) for category in WORDS for number in range(each)]


def lines(pages: list[dict[str, Any]], day: date) -> bytes:
    """Pages as a crawl drop's lines, an hour apart."""
    rows = [
        {"url": item["url"], "html": item["html"], "timestamp": f"{day}T{hour % 24:02d}:00:00+00:00"}
        for hour, item in enumerate(pages)
    ]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@dataclass
class Project:
    """A lake, a crawl, labels and MLflow below one folder."""

    root: Path

    def __post_init__(self) -> None:
        self.crawl = self.root / "crawl"
        self.labels = self.root / "labels.jsonl"
        self.lake_uri = str(self.root / "lake")
        self.mlflow_uri = f"sqlite:///{self.root / 'mlflow' / 'mlflow.db'}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead here."""
        return {
            "HTML_CLASSIFICATION_LAKE": self.lake_uri,
            "HTML_CLASSIFICATION_CRAWL": str(self.crawl),
            "HTML_CLASSIFICATION_LABELS": str(self.labels),
            "MLFLOW_TRACKING_URI": self.mlflow_uri,
        }

    @property
    def lake(self) -> Lake:
        """The lake."""
        return Lake(self.lake_uri)

    def defs(self, training_processes: int = 0) -> Any:
        """The real definitions on this project; models are trained in this process, where none are asked for."""
        return build_defs(
            {
                "lake": LakeIOManager(lake=self.lake_uri),
                "crawl": CrawlDrops(uri=str(self.crawl)),
                "label_source": LabelSource(uri=str(self.labels)),
                "tracking": Tracking(uri=self.mlflow_uri),
                "training_processes": TrainingProcesses(count=training_processes),
            }
        )

    def write_drop(self, day: date, data: bytes, name: str = "html-documents.jsonl") -> Path:
        """Leave a file in a day's drop."""
        path = self.crawl / day.isoformat() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def write_days(self, count: int, each: int = 4) -> list[date]:
        """Leave the drops of some days, gzipped, with labels for all pages."""
        days = [FIRST_DAY + timedelta(days=n) for n in range(count)]
        labels = []
        for day in days:
            pages = day_pages(day, each)
            self.write_drop(day, gzip.compress(lines(pages, day), mtime=0), "html-documents.jsonl.gz")
            labels += [{"url": item["url"], "category": item["category"]} for item in pages]
        self.labels.write_text("".join(json.dumps(label) + "\n" for label in labels))
        return days
