"""Folders of HTML: which files are taken, their addresses and times, and that nothing leads out of them."""

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.ingest import Options
from html_classification.ingest.document import Document, Refused, RefusedError
from html_classification.ingest.folder import address, find_html, read_file, stated_address
from html_classification_tests.ingest.archives import MORNING, at

SITE = Options(base_url="https://a.example/", timestamp=at(MORNING))


def put(root: Path, path: str, text: str | bytes = "<p>x") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def read(root: Path, options: Options = SITE) -> list[Document | Refused]:
    return [read_file(path, root, "site", options) for path in find_html(root)]


def test_html_files_at_any_depth_are_found_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.html", "a/z.htm", "a/INDEX.HTML", "a.xhtml", "a/logo.png", "c.html.gz", "robots.txt"):
        put(tmp_path, name)
    found = [path.relative_to(tmp_path).as_posix() for path in find_html(tmp_path)]
    assert found == ["a.xhtml", "b.html", "a/INDEX.HTML", "a/z.htm"]


@pytest.mark.parametrize(
    ("base_url", "path", "expected"),
    [
        ("https://a.example", "b.html", "https://a.example/b.html"),
        ("https://a.example/docs/", "b/c.html", "https://a.example/docs/b/c.html"),
        ("https://a.example", "index.html", "https://a.example/"),
        ("https://a.example", "b/index.htm", "https://a.example/b/"),
        ("https://", "a.example/b.html", "https://a.example/b.html"),
        ("https://", "a.example/index.html", "https://a.example/"),
        ("https://a.example", "b c/ü?#%.html", "https://a.example/b%20c/%C3%BC%3F%23%25.html"),
    ],
)
def test_the_address_is_what_was_given_and_the_path(base_url: str, path: str, expected: str) -> None:
    assert address(base_url, path) == expected


def test_a_document_has_the_encoding_and_time_of_its_file(tmp_path: Path) -> None:
    file = put(tmp_path, "a.html", "<meta charset=windows-1251><p>Сегодня хорошая погода".encode("cp1251"))
    os.utime(file, (1772352000, 1772352000))
    (document,) = read(tmp_path, Options(base_url="https://a.example/"))
    assert isinstance(document, Document)
    assert document.html.endswith("Сегодня хорошая погода")
    assert (document.encoding, document.timestamp) == ("windows-1251", at(MORNING))
    assert document.source == "site/a.html"
    (given,) = read(tmp_path, Options(base_url="https://a.example/", timestamp=at("2026-03-02T00:00:00Z")))
    assert isinstance(given, Document)
    assert given.timestamp == at("2026-03-02T00:00:00Z")


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ('<link rel="canonical" href=" https://a.example/b ">', "https://a.example/b"),
        ('<LINK REL="Canonical other" HREF="https://a.example/b">', "https://a.example/b"),
        ('<meta property="og:url" content="https://a.example/c">', "https://a.example/c"),
        ('<meta property="og:url" content="https://a.example/c"><link rel=canonical href=/b>', "https://a.example/c"),
        ("<!-- saved from url=(0021)https://a.example/d/x -->\n<html>", "https://a.example/d/x"),
        ("<!-- saved from url=(0014)about:internet --><link rel=canonical href=https://e.f/>", "https://e.f/"),
    ],
)
def test_without_a_base_the_page_says_its_address(head: str, url: str) -> None:
    assert stated_address(f"<!doctype html>{head}<title>x</title><p>y") == url


@given(st.text(max_size=300) | st.from_regex(r'<(link rel="?canonical"? href=|meta property=og:url content=)[^>]*>?'))
def test_any_page_says_an_address_or_none(html: str) -> None:
    with contextlib.suppress(RefusedError):
        assert stated_address(html).lower().startswith("http")


@pytest.mark.parametrize("unit", ["<a>", "<!--", "<link ", "<link rel=canonical>", "<!-- saved from url=("])
def test_hostile_heads_do_not_keep_the_reader_busy(unit: str) -> None:
    with pytest.raises(RefusedError):
        stated_address(unit * 100_000)


def test_what_is_commented_out_is_not_said() -> None:
    with pytest.raises(RefusedError):
        stated_address("<!-- <link rel=canonical href=https://a.example/> -->")


def test_a_page_without_any_address_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.html", "<link rel=canonical href=/relative><link rel=canonical href='javascript:x'><p>x")
    (refused,) = read(tmp_path, Options(timestamp=at(MORNING)))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.detail) == ("no address", "the page says none: give --base-url")


def test_what_is_no_page_is_refused_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("html_classification.ingest.folder.LARGEST", 100)
    put(tmp_path, "empty.html", "")
    put(tmp_path, "large.html", "x" * 101)
    put(tmp_path, "pdf.html", b"%PDF-1.7")
    os.mkfifo(tmp_path / "pipe.html")
    (tmp_path / "nowhere.html").symlink_to(tmp_path / "gone")
    (tmp_path / "round.html").symlink_to(tmp_path / "round.html")
    found = {item.source: item.reason for item in read(tmp_path) if isinstance(item, Refused)}
    assert found == {
        "site/empty.html": "empty",
        "site/large.html": "larger than 64 MiB",
        "site/nowhere.html": "no file",
        "site/pdf.html": "not HTML: PDF",
        "site/pipe.html": "no file",
        "site/round.html": "the file cannot be read",
    }


def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    secret = put(tmp_path, "outside/secret.html", "<p>secret")
    site = tmp_path / "site"
    put(site, "a.html")
    (site / "b.html").symlink_to(secret)
    (site / "c.html").symlink_to(site / "a.html")
    (site / "folder").symlink_to(secret.parent)
    (site / "self").symlink_to(site)
    found = {item.source: item for item in read(site)}
    assert sorted(found) == ["site/a.html", "site/b.html", "site/c.html"]
    refused = found["site/b.html"]
    assert isinstance(refused, Refused)
    assert refused.reason == "a link that leads out of the folder"
    assert isinstance(found["site/c.html"], Document)


def test_odd_names_are_addresses_and_lines_all_the_same(tmp_path: Path) -> None:
    for name in (b"a\xffb.html", b"line\nend.html", b"..html", "\u202e.html".encode()):
        put(Path(os.fsdecode(os.fsencode(tmp_path))), os.fsdecode(name))
    urls = []
    for item in read(tmp_path):
        item.to_line()
        assert isinstance(item, Document)
        urls.append(item.url)
    assert sorted(urls) == [
        "https://a.example/%E2%80%AE.html",
        "https://a.example/..html",
        "https://a.example/a%FFb.html",
        "https://a.example/line%0Aend.html",
    ]
