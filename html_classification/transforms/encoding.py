"""Bytes of a page to text: which character encoding they are in, and whether they are a page at all.

Belongs here: byte order marks, declarations and their WHATWG names, detection, magic numbers. Does not belong here:
undoing what the transport did (`ingest.http`), or understanding the page (`html`).

What counts, in this order: byte order mark; null bytes (UTF-16 without mark); UTF-8; the HTTP header; the page's own
declaration; detection. The HTML standard asks declarations before it looks at the bytes, as a browser must, which
cannot wait for them. Here they are all there, and bytes that are UTF-8 throughout are UTF-8, whatever a server says.

- HTML standard, 13.2.3 (encoding sniffing): https://html.spec.whatwg.org/multipage/parsing.html
- Encoding standard (names and labels): https://encoding.spec.whatwg.org/
- MIME sniffing standard (what is no text): https://mimesniff.spec.whatwg.org/
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import webencodings

#: Declarations are looked for in so many bytes. The standard says 1,024; pages with long comments before it are many.
_DECLARED_WITHIN = 4096
#: Detection looks at so many bytes of what is not markup or plain English.
_SAMPLE = 64 * 1024
_MARKS = (("utf-8", b"\xef\xbb\xbf"), ("utf-16le", b"\xff\xfe"), ("utf-16be", b"\xfe\xff"))
_ASCII = bytes(range(0x80))
_SIGNS = "€‚„…‘’“”•–—™\xa0£§©«®°·»".encode("cp1252")  # which English has, too
_PRINTABLE = frozenset(b"\t\n\f\r" + bytes(range(0x20, 0x7F)))
#: Broken UTF-8 is UTF-8 all the same where so many characters are right for each that is not.
_RIGHT_FOR_EACH_WRONG = 10
#: A declaration is a lie where more than one of so many bytes beyond ASCII makes no sense by it.
_ODD_ONE_IN = 20
#: Of fewer letters beyond ASCII, each among so many others, no language can be told; most of the web's are Western.
_FEW = 4
_AMONG = 20

#: WHATWG's encodings that Python knows under another name, or only in a wider version, which browsers mean.
_CODECS = {
    "big5": "big5hkscs",
    "euc-jp": "euc_jis_2004",
    "euc-kr": "cp949",
    "gbk": "gb18030",
    "ibm866": "cp866",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-8-i": "iso8859_8",
    "shift_jis": "cp932",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac_cyrillic",
}
#: What detection chooses from, by script, the likeliest first: chardet's names. ISO-2022-JP is known by its escapes.
_LATIN = {
    "cp1252": "windows-1252",
    "cp1250": "windows-1250",
    "iso8859-2": "iso-8859-2",
    "cp1254": "windows-1254",
    "cp1257": "windows-1257",
    "cp1258": "windows-1258",
}
_OTHER_SCRIPTS = {
    "cp1251": "windows-1251",
    "big5hkscs": "big5",
    "cp1253": "windows-1253",
    "cp1255": "windows-1255",
    "cp1256": "windows-1256",
    "cp866": "ibm866",
    "cp874": "windows-874",
    "cp932": "shift_jis",
    "cp949": "euc-kr",
    "euc_jis_2004": "euc-jp",
    "gb18030": "gbk",
    "iso8859-5": "iso-8859-5",
    "iso8859-7": "iso-8859-7",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
}
#: Encodings of languages that are written mostly in ASCII letters.
_LATIN_NAMES = frozenset(_LATIN.values()) | {
    *("iso-8859-3", "iso-8859-4", "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16"),
    "macintosh",
}

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)
_META = re.compile(
    rb"<!--.*?(?:-->|\Z)|<meta(?=[\s/])(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)", re.IGNORECASE | re.DOTALL
)
_ATTRIBUTE = re.compile(rb"([^\s=/>\"']+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))")
_XML = re.compile(rb"\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"'>]{1,40})[\"']")
_BETWEEN_TAGS = re.compile(rb"[^<>]+")
_RUN = re.compile(rb"[\x80-\xff]{3,}")
_JAPANESE_ESCAPE = re.compile(rb"\x1b\$[@B]")
_CONTROL = re.compile(rb"[\x80-\x9f]")
_SYMBOL_IN_WORD = re.compile("(?<=[A-Za-z])[\xa1-\xa9\xac\xae-\xb6\xb8\xb9\xbc-\xbf](?=[A-Za-z])")
_CARON_Z = re.compile(rb"(?i:[a-z])\xbe|\xbe(?i:[a-z])")

_RESOURCE_HEADER = 1445  # bytes, by the MIME sniffing standard
_BINARY_BYTE = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_HTML_TAGS = b"!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p"
_HTML = re.compile(rb"[\t\n\f\r ]*(?:<(?:" + _HTML_TAGS + rb")[\t\n\f\r />]|<!--|<\?xml)", re.IGNORECASE)
#: What files begin with.
_MAGIC = (
    ("PDF", rb"%PDF-"),
    ("PostScript", rb"%!PS-Adobe-"),
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("GIF", rb"GIF8[79]a"),
    ("JPEG", rb"\xff\xd8\xff"),
    ("WebP", rb"RIFF.{4}WEBP"),
    ("WAV", rb"RIFF.{4}WAVE"),
    ("AVI", rb"RIFF.{4}AVI "),
    ("TIFF", rb"II\*\0|MM\0\*"),
    ("icon", rb"\0\0[\x01\x02]\0"),
    ("MP4", rb".{4}ftyp"),
    ("WebM", rb"\x1a\x45\xdf\xa3"),
    ("Ogg", rb"OggS\0"),
    ("MP3", rb"ID3[\x02-\x04]"),
    ("font", rb"wOF[F2]|OTTO\0|\0\1\0\0\0"),
    ("zip", rb"PK(?:\x03\x04|\x05\x06)"),
    ("gzip", rb"\x1f\x8b\x08"),
    ("zstd", rb"\x28\xb5\x2f\xfd"),
    ("bzip2", rb"BZh[1-9]1AY&SY"),
    ("xz", rb"\xfd7zXZ\0"),
    ("7-Zip", rb"7z\xbc\xaf\x27\x1c"),
    ("RAR", rb"Rar!\x1a\x07"),
    ("Office document", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("WebAssembly", rb"\0asm"),
    ("program", rb"\x7fELF"),
)
_MAGIC_NUMBER = re.compile(b"|".join(b"(" + pattern + b")" for _, pattern in _MAGIC), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A page as text.

    Attributes:
        text: The text, without byte order mark; U+FFFD stands for what could not be read.
        encoding: WHATWG's name of the encoding that it was read by, lower case, such as `windows-1252`.
    """

    text: str
    encoding: str


def decode(data: bytes, content_type: str = "") -> Decoded:
    r"""The text of a page.

    Args:
        data: The page as the server sent it, decompressed.
        content_type: The HTTP header of that name, where it is known.

    Returns:
        The text and its encoding; pure ASCII is `utf-8`. Never an error, in time linear in the bytes.

    Examples:
        >>> decode(b"<p>caf\xc3\xa9", "text/html; charset=iso-8859-1")  # it is UTF-8, whatever the server says
        Decoded(text='<p>café', encoding='utf-8')
        >>> decode(b"<meta charset=latin1><p>caf\xe9").encoding  # as the standard reads this name
        'windows-1252'
    """
    for name, mark in _MARKS:
        if data.startswith(mark):
            return Decoded(_text(data[len(mark) :], name), name)
    if name := _utf_16(data) or _iso_2022_jp(data):
        return Decoded(_text(data, name), name)
    text = _utf_8(data)
    if text is not None:
        return Decoded(text, "utf-8")
    sample = _sample(data)
    for name in _declared(data, content_type):
        text = _text(data, name)
        if _is_plausible(name, text, data, sample):
            return Decoded(text, name)
    name = _detect(sample)
    return Decoded(_text(data, name), name)


def is_binary(data: bytes) -> bool:
    r"""Whether bytes are no text: images, archives, PDF and the like.

    >>> is_binary(b"%PDF-1.7"), is_binary(b"<p>caf\xe9")
    (True, False)
    """
    return bool(binary_kind(data))


def binary_kind(data: bytes) -> str:
    r"""What kind of file bytes are that are no text; empty for text.

    As the MIME sniffing standard does: by how they begin, or by bytes that no text has among the first 1,445. What
    begins as HTML is HTML, and so is what has a mark or the null bytes of UTF-16.

    >>> binary_kind(b"\x89PNG\r\n\x1a\n"), binary_kind(b"GIF89a"), binary_kind(b"\0\1\2"), binary_kind(b"<p>")
    ('PNG', 'GIF', 'binary data', '')
    """
    head = data[:_RESOURCE_HEADER]
    if _HTML.match(head) or any(head.startswith(mark) for _, mark in _MARKS):
        return ""
    if found := _MAGIC_NUMBER.match(head):
        return _MAGIC[found.lastindex - 1][0] if found.lastindex else ""
    return "binary data" if _BINARY_BYTE.search(head) and not _utf_16(data) else ""


def begins_as_html(data: bytes) -> bool:
    """Whether bytes begin as the MIME sniffing standard says that HTML begins, such as with `<!doctype html>`."""
    return _HTML.match(data[:_RESOURCE_HEADER]) is not None


def _text(data: bytes, name: str) -> str:
    return data.decode(_CODECS.get(name, name), "replace")


def _utf_16(data: bytes) -> str:
    """UTF-16 without a mark: markup is ASCII, so one byte of most pairs is null, and always the same one."""
    head = data[:1024]
    nulls = head.count(0)
    if not nulls:
        return ""
    pairs = list(zip(head[0::2], head[1::2], strict=False))
    little = sum(first in _PRINTABLE and second == 0 for first, second in pairs)
    big = sum(first == 0 and second in _PRINTABLE for first, second in pairs)
    for name, count in (("utf-16le", little), ("utf-16be", big)):
        if count * 5 >= len(pairs) and nulls * 10 <= count * 11:
            return name
    return ""


def _iso_2022_jp(data: bytes) -> str:
    """ISO-2022-JP is ASCII with escapes, so that it looks like UTF-8."""
    return "iso-2022-jp" if _JAPANESE_ESCAPE.search(data) and data.isascii() else ""


def _utf_8(data: bytes) -> str | None:
    """The text where bytes are UTF-8, also with some damage or cut within a character; None where they are not."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        cut = int(error.reason == "unexpected end of data")
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd") - data.count("\ufffd".encode())
    right = len(text) - wrong - (len(data) - _count_high(data))
    return text if right and right >= (wrong - cut) * _RIGHT_FOR_EACH_WRONG else None


def _count_high(data: bytes) -> int:
    return len(data.translate(None, _ASCII))


def _declared(data: bytes, content_type: str) -> Iterator[str]:
    """What is declared, but for UTF-8 and UTF-16, which have been ruled out: the header first, then the page."""
    in_header = _CHARSET.findall(content_type.encode("utf-8", "replace"))[:1]
    for label in (*in_header, *_declared_in(data[:_DECLARED_WITHIN])):
        encoding = webencodings.lookup(label.decode("ascii", "replace"))
        name = encoding.name if encoding else ""
        if name == "x-user-defined":  # as the standard says
            name = "windows-1252"
        if name and name != "replacement" and not name.startswith("utf-"):
            yield name


def _declared_in(head: bytes) -> Iterator[bytes]:
    """The labels that a page declares, by the standard's prescan: meta elements outside of comments, then XML's."""
    for tag in _META.finditer(head):
        found = {
            name.lower(): quoted or single or bare
            for name, quoted, single, bare in _ATTRIBUTE.findall(tag["attributes"] or b"")
        }
        if b"charset" in found:
            yield found[b"charset"]
        elif found.get(b"http-equiv", b"").strip().lower() == b"content-type":
            yield from _CHARSET.findall(found.get(b"content", b""))[:1]
    yield from _XML.findall(head)[:1]


def _is_plausible(name: str, text: str, data: bytes, sample: bytes) -> bool:
    """Whether a page may be in an encoding that is declared: it can be read, and the result can be a language's."""
    if text.count("\ufffd") * _ODD_ONE_IN > _count_high(data):
        return False
    return name not in _LATIN_NAMES or not (_is_other_script(sample) or _has_symbols_in_words(sample, name))


def _sample(data: bytes) -> bytes:
    """What there is beyond ASCII between tags, with the words around it: English and scripts drown what tells."""
    pieces, size = [], 0
    for match in _BETWEEN_TAGS.finditer(data):
        if not match[0].isascii():
            pieces.append(match[0][: _SAMPLE - size])
            size += len(pieces[-1])
            if size >= _SAMPLE:
                break
    return b"\n".join(pieces)


def _is_other_script(sample: bytes) -> bool:
    """Whether bytes beyond ASCII mostly stand together.

    Of sentences in six languages with Latin letters at most .29 of those bytes stand in runs of three or more, of
    sentences in ten with other scripts at least .75, in every encoding.
    """
    return 2 * sum(len(run) for run in _RUN.findall(sample)) >= _count_high(sample)


def _has_symbols_in_words(sample: bytes, name: str) -> bool:
    """Whether an encoding makes of letters what stands in no word: Polish is full of `³` and `±` by windows-1252."""
    return len(_SYMBOL_IN_WORD.findall(_text(sample, name))) * _ODD_ONE_IN > _count_high(sample)


def _is_mostly_english(sample: bytes) -> bool:
    """Whether there are but quotes, signs and words such as `naïve`."""
    letters = len(sample.translate(None, _ASCII + _SIGNS))
    return letters < _FEW and letters * _AMONG <= len(sample)


def _detect(sample: bytes) -> str:
    """The likeliest encoding by chardet, which chooses between those of the script in question."""
    import chardet

    candidates = _OTHER_SCRIPTS if _is_other_script(sample) else _LATIN
    if candidates is _LATIN and _is_mostly_english(sample) and not _has_symbols_in_words(sample, "windows-1252"):
        return "windows-1252"
    likeliest = next(iter(candidates))
    answer = chardet.detect(
        sample,
        max_bytes=_SAMPLE,
        include_encodings=candidates,
        compat_names=False,
        no_match_encoding=likeliest,
        empty_input_encoding=likeliest,
    )
    name = candidates[answer["encoding"] or likeliest]
    if candidates is _LATIN and _text(sample, name) == _text(sample, "windows-1252"):
        return "windows-1252"
    # What is ž by ISO 8859-2 is ľ by windows-1250, whose š, ť and ž lie elsewhere: no Slovak goes without all of them.
    if name == "windows-1250" and _CARON_Z.search(sample) and not _CONTROL.search(sample):
        return "iso-8859-2"
    return name
