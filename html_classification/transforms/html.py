"""Documents as text and facts: the computation of the stage `preprocess/html-parsing`.

Belongs here: what is taken from one page, main content included, and the day's frame made of it. Does not
belong here: how a parser works (`engines`), languages and copies (`language`, `duplicates`), rules on text
(`text`).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.outcome import Outcome
from html_classification.transforms import duplicates, language
from html_classification.transforms.engines import ENGINES, Page, PageUnreadable, fold

#: Longer documents, in characters, are no pages but dumps.
MAX_CHARACTERS = 10_000_000

#: Parsers are quadratic in the depth of nesting: 100,000 levels take minutes, 5,000 a third of a second.
#: Browsers stop at 512.
MAX_DEPTH = 5_000

#: Parsers are quadratic in the attributes of one element, too: 50,000 take three seconds.
MAX_ATTRIBUTES = 10_000

#: Main content of fewer words is taken for a failure to find it, if the page has more.
MIN_CONTENT_WORDS = 20

MAX_LINK_HOSTS = 100

_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_LONG_TAG = re.compile(rf"<[A-Za-z][^<>]{{{2 * MAX_ATTRIBUTES},}}")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_UNENCODABLE = re.compile("[\0\ud800-\udfff]")

_VOID = "area base br col embed hr img input link meta param source track wbr"
_OPTIONAL_END = "p li dt dd option optgroup tr td th thead tbody tfoot colgroup rt rp"

#: Elements that a parser closes by itself, or that have no content: many of them are long, not deep.
_FLAT = frozenset(f"{_VOID} {_OPTIONAL_END}".split())


class PageRejected(ValueError):  # noqa: N818 (what happened to the page, not an error of the program)
    """The document cannot be taken in.

    Attributes:
        reason: Why, in words, such as `no text`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """One document, parsed.

    Attributes:
        page: What it shows and says about itself.
        content: Its main content, white space folded.
        whole_text: True where no main content was found and `content` is all visible text.
    """

    page: Page
    content: str
    whole_text: bool


def judged_text(title: str, content: str) -> str:
    """The text of a page that annotators judge and models read: `title - content`.

    >>> judged_text("Soup", "Boil water.")
    'Soup - Boil water.'
    """
    return f"{title} - {content}"


def content_sha1(title: str, content: str) -> str:
    """SHA-1 of the judged text in UTF-8, hexadecimal: what labels are stored by."""
    return hashlib.sha1(judged_text(title, content).encode(), usedforsecurity=False).hexdigest()


def parse_page(html: str, url: str, engine: str = "lexbor") -> ParsedPage:
    """Parse one document. Pure, and picklable for process pools.

    NULs and lone surrogates, which no parser and no UTF-8 file can hold, become U+FFFD.

    Args:
        html: The document.
        url: Its absolute address.
        engine: A name from `engines.ENGINES`.

    Returns:
        The parsed page.

    Raises:
        PageRejected: If the document is too long, nested too deeply, cannot be read, or has neither title nor
            text.
        KeyError: If there is no such engine.

    Examples:
        >>> parse_page("<title>Hi</title><p>Hello <b>w</b>orld<p>!", "http://example.com/").page.text
        'Hello world !'
    """
    html = _encodable(html)
    _check_bearable(html)
    try:
        page = ENGINES[engine].parse(html, url)
        content = _main_content(html)
    except PageUnreadable as error:
        raise PageRejected(f"unreadable: {error}") from error
    if not page.title and not page.text:
        raise PageRejected("no text")
    if len(content.split()) < MIN_CONTENT_WORDS and len(page.text.split()) > len(content.split()):
        return ParsedPage(page, content=page.text, whole_text=True)
    return ParsedPage(page, content, whole_text=False)


def parse_documents(documents: pl.DataFrame, engine: str = "lexbor") -> Outcome:
    """Compute `preprocess/html-parsing`.

    Args:
        documents: The columns of the stage `preprocess/url-normalization`.
        engine: A name from `engines.ENGINES`.

    Returns:
        The parsed pages, sorted by url, with the columns of the stage; the refused documents with `reason`,
        `url`, `timestamp` and `html`; and as figures: documents, pages whose content is the whole text,
        copies (all, and the exact ones), and rejections by reason.
    """
    rows: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    whole_texts = 0
    for url, html, timestamp in documents.sort("url").select("url", "html", "timestamp").iter_rows():
        try:
            parsed = parse_page(html, url, engine)
        except PageRejected as rejection:
            rejected.append({"reason": rejection.reason, "url": url, "timestamp": timestamp.isoformat(), "html": html})
        else:
            rows.append({"url": url, "timestamp": timestamp, **_facts(parsed)})
            whole_texts += parsed.whole_text

    frame = _complete(rows)
    kinds = Counter(row["reason"].split(":")[0].replace(" ", "_") for row in rejected)
    figures: dict[str, int | float | str] = {
        "engine": engine,
        "documents": documents.height,
        "content_is_whole_text": whole_texts,
        "copies": frame["duplicate_of"].count(),
        "exact_copies": frame.height - frame["content_sha1"].n_unique(),
    }
    figures |= {f"rejected_{kind}": kinds[kind] for kind in sorted(kinds)}
    return Outcome(frame, rejected, figures)


def _facts(parsed: ParsedPage) -> Mapping[str, Any]:
    """The columns that depend on one page alone."""
    page = parsed.page
    return {
        "title": page.title,
        "content": parsed.content,
        "text": page.text,
        "description": page.description,
        "declared_language": page.declared_language,
        "encoding": page.encoding,
        "canonical_url": page.canonical_url,
        "link_count": len(page.links),
        "link_hosts": sorted(set(page.links))[:MAX_LINK_HOSTS],
        "content_sha1": content_sha1(page.title, parsed.content),
    }


def _complete(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The frame of the stage: languages, signatures and clusters added."""
    computed = {"language", "language_confidence", "minhash", "duplicate_cluster", "duplicate_of"}
    schema = {name: dtype for name, dtype in HTML_PARSING.dtypes.items() if name not in computed}
    facts = pl.DataFrame(rows, schema=schema)
    judged = facts.select(pl.format("{} - {}", "title", "content").alias("judged"))["judged"]
    facts = facts.with_columns(
        *language.detect_languages(judged), duplicates.signatures(facts["content"]).alias("minhash")
    )
    clusters = duplicates.cluster(facts.select("url", "content_sha1", "minhash", "timestamp"))
    return facts.join(clusters, on="url", how="left", maintain_order="left").select(list(HTML_PARSING.dtypes))


def _main_content(html: str) -> str:
    """Main content by resiliparse's rules (Bevendorff et al., 2023), white space folded."""
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLParserException

    try:
        # noscript: forums that scripts put together have content; token F1 .702, not .691, on WCXB's 80.
        text: str = extract_plain_text(html, main_content=True, alt_texts=False, list_bullets=False, noscript=True)
    except HTMLParserException as error:
        raise PageUnreadable(f"resiliparse: {error}") from error
    return fold(text)


def _encodable(html: str) -> str:
    """The text with NULs and lone surrogates as U+FFFD."""
    try:
        if b"\0" not in html.encode():
            return html
    except UnicodeEncodeError:
        pass  # a lone surrogate: replaced below
    return _UNENCODABLE.sub("\ufffd", html)


def _check_bearable(html: str) -> None:
    """Refuse documents that would keep a parser busy for minutes: crawls meet them, some made on purpose."""
    if len(html) > MAX_CHARACTERS:
        raise PageRejected(f"longer than {MAX_CHARACTERS:,} characters")
    if html.count("<") > MAX_DEPTH and _depth(html) > MAX_DEPTH:
        raise PageRejected(f"nested deeper than {MAX_DEPTH:,} elements")
    for tag in _LONG_TAG.finditer(html):
        if len(_QUOTED.sub("", tag[0]).split()) > MAX_ATTRIBUTES:
            raise PageRejected(f"an element with more than {MAX_ATTRIBUTES:,} attributes")


def _depth(html: str) -> int:
    """How deeply elements are nested at most, estimated from the tags alone.

    Each end tag closes one element of its own name only, so that stray end tags do not hide depth.
    """
    unclosed: Counter[str] = Counter()
    depth = deepest = 0
    for closing, name in _TAG.findall(html):
        tag = name.lower()
        if tag in _FLAT:
            continue
        if not closing:
            unclosed[tag] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif unclosed[tag]:
            unclosed[tag] -= 1
            depth -= 1
    return deepest
