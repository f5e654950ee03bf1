"""What a user relies on: a document becomes a page, or is refused with a reason."""

import pickle

import pytest

from html_classification.transforms.html.engines import ENGINES
from html_classification.transforms.html.page import PageRejected, parse_page

URL = "https://example.com/a/page.html"

both_engines = pytest.mark.parametrize("engine", list(ENGINES))


@both_engines
@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("", "no text"),
        ("<!-- nothing --><script>x</script>", "no text"),
        ("<frameset><frame src=x></frameset>", "no text"),
        ("<div>" * 100_000 + "x", "nested deeper than 5,000 elements"),
        (
            "<div " + " ".join(f"a{i}" for i in range(50_000)) + ">x",
            "an element with more than 10,000 attributes",
        ),
        ("x" * 10_000_001, "longer than 10,000,000 characters"),
        (b"x" * 40_000_001, "longer than 10,000,000 characters"),
    ],
    ids=range(7),
)
def test_what_is_refused(engine: str, html: str | bytes, reason: str) -> None:
    with pytest.raises(PageRejected) as rejection:
        parse_page(html, URL, engine)
    assert rejection.value.reason == reason


@both_engines
def test_deep_but_bearable(engine: str) -> None:
    assert parse_page("<div>" * 4_000 + "deep", URL, engine).page.text == "deep"


@pytest.mark.parametrize(
    ("html", "content_type", "text", "encoding"),
    [
        ("<p>Käse".encode(), "text/html; charset=iso-8859-1", "Käse", "utf-8"),
        ("<p>Käse".encode("latin-1"), "text/html; charset=iso-8859-1", "Käse", "windows-1252"),
        ("<meta charset=iso-8859-2><p>ź".encode("iso-8859-2"), "", "ź", "iso-8859-2"),
        ("<p>Käse und Brot".encode("utf-16-le"), "", "Käse und Brot", "utf-16le"),
        ("\ufeff<p>Käse".encode("utf-16-be"), "", "Käse", "utf-16be"),
    ],
    ids=range(5),
)
def test_bytes_are_decoded(html: bytes, content_type: str, text: str, encoding: str) -> None:
    page = parse_page(html, URL, content_type=content_type).page
    assert (page.text, page.encoding) == (text, encoding)


@both_engines
def test_bytes_are_the_same_as_text(engine: str) -> None:
    html = "<title>Käse</title><meta charset=utf-8><p>" + "Brot und Wasser. " * 20
    assert parse_page(html.encode(), URL, engine) == parse_page(html, URL, engine)


def test_main_content_and_its_fallback() -> None:
    sentence = "The quick brown fox jumps over the lazy dog and runs into the deep forest. "
    menu = "<nav><a href=/>Home</a> <a href=/b>Blog</a></nav>"
    found = parse_page(f"{menu}<article><p>{sentence * 5}</article><footer>Imprint</footer>", URL)
    assert not found.whole_text
    assert found.content == (sentence * 5).strip()
    assert "Imprint" in found.page.text

    listing = parse_page("<nav>" + "".join(f"<a href=/{i}>Item {i}</a>" for i in range(30)) + "</nav>", URL)
    assert listing.whole_text
    assert listing.content == listing.page.text != ""


def test_main_content_is_the_same_whichever_engine_reads_the_rest() -> None:
    html = f"<nav>Home</nav><main><p>Was<b>ser</b>{' und Brot' * 30}<script>x</script></main><footer>Imprint</footer>"
    lexbor, beautifulsoup = (parse_page(html, URL, engine) for engine in ENGINES)
    assert lexbor == beautifulsoup


def test_parsing_can_run_in_other_processes() -> None:
    html = "<title>Suppe</title><p>Wasser kochen."
    parsed = pickle.loads(pickle.dumps(parse_page))(html, URL)
    assert pickle.loads(pickle.dumps(parsed)) == parsed
