"""One document as text and facts.

Belongs here: what is taken from one page, main content included, and which documents are refused. Does not
belong here: how a parser works (`engines`), what makes it slow (`bearable`), the frame of many pages
(`documents`), rules on text (`text`).
"""

import hashlib
import re
from dataclasses import dataclass, replace

from html_classification.transforms.encoding import decode
from html_classification.transforms.html.bearable import MAX_CHARACTERS, why_unbearable
from html_classification.transforms.html.engines import ENGINES, PageUnreadable
from html_classification.transforms.html.facts import Page

_TOO_LONG = f"longer than {MAX_CHARACTERS:,} characters"
_MAX_BYTES = 4 * MAX_CHARACTERS  # not decoded: encodings of pages need no more for a character
_SURROGATE = re.compile("[\ud800-\udfff]")


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


def parse_page(html: str | bytes, url: str, engine: str = "lexbor", content_type: str = "") -> ParsedPage:
    r"""Parse one document. Pure, and picklable for process pools.

    NULs and lone surrogates, which no parser and no UTF-8 file can hold, become U+FFFD.

    Args:
        html: The document, as text or as the bytes that the server sent.
        url: Its absolute address.
        engine: A name from `engines.ENGINES`.
        content_type: The HTTP header of that name, where it is known; it matters for bytes only.

    Returns:
        The parsed page. Its `page.encoding` is the one that bytes were read by; for text the declared one.

    Raises:
        PageRejected: If the document is too long, nested too deeply, cannot be read, or has neither title nor
            text.
        KeyError: If there is no such engine.

    Examples:
        >>> parse_page("<title>Hi</title><p>Hello <b>w</b>orld<p>!", "http://example.com/").page.text
        'Hello world !'
        >>> parse_page(b"<p>caf\xe9", "http://example.com/", content_type="text/html; charset=latin1").page.text
        'café'
    """
    encoding = ""
    if isinstance(html, bytes):
        if len(html) > _MAX_BYTES:
            raise PageRejected(_TOO_LONG)
        html, encoding = (decoded := decode(html, content_type)).text, decoded.encoding
    try:
        data = html.encode()
    except UnicodeEncodeError:
        data = _SURROGATE.sub("\ufffd", html).encode()
    parsed = parse_utf_8(data, url, engine)
    return replace(parsed, page=replace(parsed.page, encoding=encoding)) if encoding else parsed


def parse_utf_8(data: bytes, url: str, engine: str = "lexbor") -> ParsedPage:
    """The same for a document that is known to be UTF-8, such as a value of a frame; see `parse_page`.

    Raises:
        PageRejected: As there.
    """
    if len(data) > MAX_CHARACTERS and len(data.decode()) > MAX_CHARACTERS:
        raise PageRejected(_TOO_LONG)
    if b"\0" in data:
        data = data.replace(b"\0", "\ufffd".encode())
    if reason := why_unbearable(data):
        raise PageRejected(reason)
    try:
        page, content = ENGINES[engine].parse(data, url)
    except PageUnreadable as error:
        raise PageRejected(f"unreadable: {error}") from error
    if not page.title and not page.text:
        raise PageRejected("no text")
    return ParsedPage(page, content.text, content.whole_text)
