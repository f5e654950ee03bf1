"""What a person points at: each source once, by its kind, under a name that no store stumbles over."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.ingest import find_sources
from html_classification.ingest.sources import safe_name
from html_classification.lake import LakeError


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "a.warc.gz", "b.warc", "c/d.jsonl.zst", "site/a.html", "site/b/c.htm", "notes.txt")
    return tmp_path


def names(*patterns: str, name: str | None = None) -> list[str]:
    return [source.name for source in find_sources(patterns, name)]


def test_files_folders_and_patterns_are_sources_each_once(here: Path) -> None:
    assert names("a.warc.gz", "site", "*.warc*", "./b.warc", str(here / "c/d.jsonl.zst")) == ["a", "site", "b", "d"]
    assert names("**/*.warc*") == ["a", "b"]
    assert names("sit?") == ["site"]


def test_html_files_of_a_pattern_are_one_source(here: Path) -> None:
    (source,) = find_sources(["site/**/*.htm*"])
    assert (source.name, source.path, [str(path) for path in source.files or ()]) == (
        *("site", Path("site")),
        ["site/a.html", "site/b/c.htm"],
    )
    assert names("site/a.html") == ["a"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("gone.warc", "there is no gone.warc: give files"),
        ("*.gone", r"there is no \*.gone: give files"),
        ("notes.txt", "cannot tell what notes.txt is by its name; taken are WARC"),
        ("c", r"c has no .html or .htm files; for other files give a pattern, such as 'c/\*.warc.gz'"),
        ("s3://bucket/a.warc.gz", "is not on this machine: copy it here first"),
    ],
)
def test_what_cannot_be_taken_is_said_in_one_line(here: Path, pattern: str, said: str) -> None:
    with pytest.raises(LakeError, match=said):
        find_sources([pattern])


def test_two_sources_of_one_name_are_said_and_one_can_be_named(here: Path) -> None:
    put(here, "c/a.jsonl")
    with pytest.raises(LakeError, match=r"a\.warc\.gz and c/a\.jsonl would have the same name in the drop: .* --name"):
        find_sources(["a.warc.gz", "c/a.jsonl"])
    assert names("c/a.jsonl", name="other") == ["other"]
    with pytest.raises(LakeError, match="--name other is for one source, and there are 2"):
        find_sources(["*.warc*"], "other")


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_leads_nowhere(name: str) -> None:
    safe = safe_name(name)
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,149}", safe)


@given(st.text(max_size=50), st.text(max_size=50))
def test_different_names_stay_different(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)
