"""The committed sample crawl is what its generator writes, and holds what it promises.

Belongs here: tests of the files below ``data/``. Does not belong here: tests of the pipeline that reads them.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
DAYS = [(date(2026, 3, 1) + timedelta(days=day)).isoformat() for day in range(14)]
Row = dict[str, Any]


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _drop_lines(folder: Path, day: str) -> list[str]:
    data = gzip.decompress((folder / "crawl" / day / "html-documents.jsonl.gz").read_bytes())
    # Not splitlines(): pages with mojibake contain characters that it takes for line ends.
    return data.decode("utf-8").rstrip("\n").split("\n")


def _valid(line: str) -> bool:
    try:
        row = json.loads(line)
        datetime.fromisoformat(row["timestamp"])
    except (ValueError, KeyError):
        return False
    return isinstance(row.get("url"), str) and isinstance(row.get("html"), str)


@pytest.fixture(scope="module")
def truth() -> list[Row]:
    return _rows(DATA / "truth.jsonl")


@pytest.fixture(scope="module")
def drops() -> dict[str, list[str]]:
    return {day: _drop_lines(DATA, day) for day in DAYS}


@pytest.fixture(scope="module")
def pages(drops: dict[str, list[str]]) -> dict[str, str]:
    """The first crawled page for each address."""
    found: dict[str, str] = {}
    for line in (line for lines in drops.values() for line in lines if _valid(line)):
        row = json.loads(line)
        found.setdefault(row["url"], row["html"])
    return found


def test_the_generator_writes_the_committed_files(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "data.generator", "--output", str(tmp_path)], cwd=ROOT, check=True)

    assert sorted(path.name for path in (DATA / "crawl").iterdir()) == DAYS
    for day in DAYS:
        assert _drop_lines(tmp_path, day) == _drop_lines(DATA, day), day
    for name in ("labels.jsonl", "truth.jsonl"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes(), name


def test_the_sample_is_small() -> None:
    files = [*(DATA / "crawl").rglob("*.gz"), DATA / "labels.jsonl", DATA / "truth.jsonl"]
    assert sum(path.stat().st_size for path in files) <= 5_000_000


def test_every_day_has_about_a_hundred_documents(drops: dict[str, list[str]]) -> None:
    assert all(92 <= len(lines) <= 108 for lines in drops.values())


def test_exactly_five_lines_are_bad_on_three_days(drops: dict[str, list[str]]) -> None:
    bad = {day: sum(not _valid(line) for line in lines) for day, lines in drops.items()}
    assert {day: count for day, count in bad.items() if count} == {
        "2026-03-04": 2,
        "2026-03-08": 2,
        "2026-03-12": 1,
    }


def test_timestamps_fall_into_the_day_of_the_drop(drops: dict[str, list[str]]) -> None:
    offsets = set()
    for day, lines in drops.items():
        for line in filter(_valid, lines):
            moment = datetime.fromisoformat(json.loads(line)["timestamp"])
            offsets.add(moment.utcoffset())
            assert moment.astimezone(UTC).date().isoformat() == day
    assert offsets == {timedelta(0), timedelta(hours=1), timedelta(hours=-5)}


FEATURES: dict[str, Callable[[Row], object]] = {
    "off-topic": lambda row: row["off_topic"],
    "unlabelled": lambda row: row["given_category"] is None,
    "off-topic but labelled": lambda row: row["off_topic"] and row["given_category"],
    "wrong language attribute": lambda row: row["lang_attribute"] == "wrong",
    "missing language attribute": lambda row: row["lang_attribute"] == "missing",
    "mojibake": lambda row: row["mojibake"],
    "entities": lambda row: row["entities"],
    "NUL characters": lambda row: row["nul"],
    "emoji": lambda row: row["emoji"],
    "broken markup": lambda row: row["broken_markup"],
    "exact copy": lambda row: row["exact_copy"],
    "near duplicate": lambda row: row["near_duplicate_of"] and not row["exact_copy"],
    "crawled again": lambda row: row["recrawl"],
    "edited meanwhile": lambda row: row["edited_recrawl"],
    "twice on one day": lambda row: row["same_day_twin"],
    "personal data": lambda row: row["pii"],
    "mixed": lambda row: row["kind"] == "mixed",
    "short": lambda row: row["kind"] == "short",
}


@pytest.mark.parametrize("name", FEATURES)
def test_each_feature_is_present(name: str, truth: list[Row]) -> None:
    assert sum(bool(FEATURES[name](row)) for row in truth) >= 3


def test_the_mix_of_the_sample(truth: list[Row]) -> None:
    topical = [row for row in truth if not row["off_topic"]]
    english = sum(row["language"] == "en" for row in topical) / len(topical)
    assert 0.70 <= english <= 0.80
    assert len({(row["category"], row["language"]) for row in topical}) == 7 * 5
    assert {row["encoding"] for row in truth} == {"utf-8", "iso-8859-1", "windows-1252", "shift_jis"}
    assert len({row["template"] for row in topical}) >= 6
    assert len({name for row in truth for name in row["messy_url"]}) == 8


def test_truth_and_labels_agree(truth: list[Row], pages: dict[str, str]) -> None:
    labels = {row["url"]: row["category"] for row in _rows(DATA / "labels.jsonl")}
    assert labels == {row["label_url"]: row["given_category"] for row in truth if row["label_url"]}
    assert len({row["url"] for row in truth}) == len(truth)
    assert sorted(spelling for row in truth for spelling in row["spellings"]) == sorted(pages)
    assert all(row["label_url"] in row["spellings"] for row in truth if row["label_url"])


def test_one_label_in_ten_is_wrong(truth: list[Row]) -> None:
    labelled = [row for row in truth if row["category"] and row["given_category"]]
    wrong = sum(row["category"] != row["given_category"] for row in labelled)
    assert wrong / len(labelled) == pytest.approx(0.10, abs=0.005)


def test_personal_data_is_invented_and_marked(truth: list[Row], pages: dict[str, str]) -> None:
    for row in truth:
        addresses = re.findall(r"[\w.]+@\w+(?:\.\w+)+", pages[row["spellings"][0]])
        assert bool(addresses) == row["pii"] or row["edited_recrawl"]
        assert all(address.endswith(".example") for address in addresses)


# --- near duplicates -------------------------------------------------------------------------------------


_BLOCK = re.compile(r"(?i)</?(?:p|div|li|td|tr|table|h\d|section|article|main|nav|footer|ul|ol)\b[^>]*>")


def _blocks(html: str) -> Iterator[str]:
    """Texts between block tags, long enough to be prose."""
    bare = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", html)
    for block in _BLOCK.split(bare):
        words = unescape(re.sub(r"<[^>]*>", " ", block)).replace("\0", "").split()
        if len(words) >= 14:
            yield " ".join(words)


def _shingles(blocks: list[str]) -> frozenset[str]:
    words = " ".join(blocks).lower().split()
    return frozenset(" ".join(words[place : place + 5]) for place in range(len(words) - 4))


@pytest.fixture(scope="module")
def main_texts(truth: list[Row], pages: dict[str, str]) -> dict[str, frozenset[str]]:
    """Word 5-grams of the main text: long blocks, without those a site prints on every page."""
    blocks = {row["url"]: list(_blocks(pages[row["spellings"][0]])) for row in truth if not row["off_topic"]}
    frequent = Counter(re.sub(r"\d+", "0", block) for found in blocks.values() for block in set(found))
    return {
        url: _shingles([block for block in found if frequent[re.sub(r"\d+", "0", block)] <= 30])
        for url, found in blocks.items()
    }


def _families(truth: list[Row]) -> dict[str, str]:
    """For each document the one that it is a copy of, or itself."""
    return {row["url"]: row["near_duplicate_of"] or row["url"] for row in truth}


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def test_no_unintended_near_duplicates(truth: list[Row], main_texts: dict[str, frozenset[str]]) -> None:
    families = _families(truth)
    holders: dict[str, list[str]] = defaultdict(list)
    for url, shingles in main_texts.items():
        for shingle in sorted(shingles)[::7]:
            holders[shingle].append(url)
    shared = Counter(pair for urls in holders.values() for pair in combinations(urls, 2))
    alike = {
        (one, other): _jaccard(main_texts[one], main_texts[other])
        for (one, other), count in shared.items()
        if count >= 5 and families[one] != families[other]
    }
    assert alike
    assert max(alike.values()) < 0.6, sorted(alike.items(), key=lambda item: -item[1])[:5]


def test_intended_near_duplicates_are_alike(truth: list[Row], main_texts: dict[str, frozenset[str]]) -> None:
    copies = [row for row in truth if row["near_duplicate_of"]]
    sound = [row for row in copies if not row["mojibake"] and not row["broken_markup"]]
    similar = [_jaccard(main_texts[row["url"]], main_texts[row["near_duplicate_of"]]) for row in sound]
    assert sorted(similar)[len(similar) // 2] > 0.8
