"""Folders of HTML files, such as wget, HTTrack and browsers leave them.

Belongs here: which files are taken, their addresses and their times. Does not belong here: what is in
them (`document`).
"""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from html_classification.ingest.document import (
    LARGEST,
    Document,
    Options,
    Page,
    Refused,
    RefusedError,
    make_document,
    too_large,
)

ENDINGS = (".html", ".htm", ".xhtml")
_INDEX = ("index.html", "index.htm")
_IN_HEAD = 64 * 1024  # characters in which a page says its address
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_STATING = re.compile(r"<(?:link|meta)\s[^<>]*>", re.IGNORECASE)
_SAVED_FROM = re.compile(r"<!-- saved from url=\(\d{1,6}\)(\S{1,2048}) -->")
#: Of a segment of a path these stay as they are (RFC 3986, section 3.3); letters and digits do anyhow.
_SAFE = "-._~!$&'()*+,;=:@"


def find_html(root: Path) -> Iterator[Path]:
    """The HTML files below a folder, at any depth, in the order of their names; links to folders are not followed."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names) if is_html(name))


def is_html(name: str) -> bool:
    """Whether a name is that of an HTML file.

    >>> is_html("a/Index.HTM"), is_html("a.html.gz")
    (True, False)
    """
    return name.lower().endswith(ENDINGS)


def read_file(path: Path, root: Path, name: str, options: Options) -> Document | Refused:
    """The document in an HTML file.

    Args:
        path: The file.
        root: The folder that was given; a link out of it is refused.
        name: What the folder is called, for people.
        options: The addresses' beginning, and the time in place of the file's.
    """
    inside = path.relative_to(root).as_posix()
    source = f"{name}/{inside}".encode(errors="backslashreplace").decode()
    try:
        body, modified = _read(path, root)
        document = make_document("", Page(body), options.timestamp or modified, source)
        url = address(options.base_url, inside) if options.base_url else stated_address(document.html)
    except RefusedError as refusal:
        return Refused(refusal.reason, source, detail=refusal.detail)
    return Document(url, document.html, document.timestamp, document.encoding, "", source)


def address(base_url: str, path: str) -> str:
    """The address of a file: what comes before, and its path below the folder, where an index stands for its folder.

    >>> address("https://a.example", "b/index.html"), address("https://", "a.example/b c.html")
    ('https://a.example/b/', 'https://a.example/b%20c.html')
    """
    segments = path.split("/")
    if segments[-1].lower() in _INDEX:
        segments[-1] = ""
    joint = "" if base_url.endswith("/") else "/"
    return base_url + joint + "/".join(quote(os.fsencode(segment), safe=_SAFE) for segment in segments)


def stated_address(html: str) -> str:
    """The address that a page says is its own: a browser's mark of where it was saved from, canonical, og:url.

    >>> stated_address('<link rel="canonical" href="https://a.example/b">')
    'https://a.example/b'

    Raises:
        RefusedError: It says none.
    """
    from selectolax.lexbor import LexborHTMLParser

    head = html[:_IN_HEAD]
    saved = _SAVED_FROM.search(head)
    stated = [saved[1]] if saved else []
    # Without what is around them, nesting cannot keep the parser busy.
    tree = LexborHTMLParser("".join(_STATING.findall(_COMMENT.sub("", head))))
    for selector, attribute in (("link[rel~=canonical i]", "href"), ("meta[property='og:url']", "content")):
        stated += [(node.attributes.get(attribute) or "").strip() for node in tree.css(selector)]
    for url in stated:
        if url.lower().startswith(("http://", "https://")):
            return url
    reason = "no address"
    raise RefusedError(reason, "the page says none: give --base-url")


def _read(path: Path, root: Path) -> tuple[bytes, datetime]:
    """The bytes of a file and when it was modified."""
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            reason = "a link that leads out of the folder"
            raise RefusedError(reason)
        if not path.is_file():
            reason = "no file"
            raise RefusedError(reason, "a link to nowhere, a pipe or the like")
        with path.open("rb") as file:
            known = os.fstat(file.fileno())
            if known.st_size > LARGEST:
                raise too_large()
            body = file.read(LARGEST + 1)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        reason = "the file cannot be read"
        raise RefusedError(reason, getattr(error, "strerror", None) or str(error)) from None
    return body, datetime.fromtimestamp(known.st_mtime, UTC)
