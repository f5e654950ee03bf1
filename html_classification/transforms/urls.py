"""Addresses of pages: one spelling for each page, and one document for each address.

Belongs here: the rules by which two addresses are the same page, and the computation of the stage
`preprocess/url-normalization`. Does not belong here: anything that reads the document itself (`html`), or
that asks the network (redirects, canonical addresses).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable

import can_ada
import polars as pl

from html_classification.schemas.outcome import Outcome

#: Longest normalized address, in characters: what browsers, crawlers and sitemaps agree to handle.
MAX_LENGTH = 2048

_TRACKERS = {
    "Google": "gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid _ga _gl",
    "Facebook and Instagram": "fbclid mibextid igshid igsh",
    "Microsoft": "msclkid",
    "Yandex": "yclid ymclid ysclid _openstat",
    "Yahoo": "guccounter guce_referrer guce_referrer_sig",
    "other advertising": "twclid ttclid li_fat_id epik sccid rdt_cid irclickid wickedid rb_clickid unicorn_click_id",
    "Branch": "_branch_match_id _branch_referrer",
    "Mailchimp": "mc_cid mc_eid",
    "HubSpot": "_hsenc _hsmi __hssc __hstc __hsfp hsctatracking",
    "other mail and marketing": "mkt_tok vero_id vero_conv oly_enc_id oly_anon_id s_cid _kx et_rid vgo_ee",
    "sessions": "phpsessid jsessionid asp.net_sessionid oscsid cfid cftoken",
}

#: Query parameters that say how a visitor came, not what the page is. Compared in lower case.
TRACKING_PARAMETERS = frozenset(name for names in _TRACKERS.values() for name in names.split())

#: The same, by how the name begins: Urchin, Matomo (three ways), HubSpot ads, classic ASP sessions.
TRACKING_PREFIXES = ("utm_", "mtm_", "matomo_", "pk_", "piwik_", "hsa_", "aspsessionid")

_SCHEME = re.compile(r"[\x00-\x20]*([A-Za-z][A-Za-z0-9+.-]*):")
_NO_TABS = {ord(character): None for character in "\t\r\n"}  # which the standard takes out, wherever they are
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SESSION = re.compile(r";(?:jsessionid|phpsessid)=[^/;]*", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


class UrlRejected(ValueError):  # noqa: N818 (what happened to the address, not an error of the program)
    """The address is not one of a public page.

    Attributes:
        reason: Why, in words, such as `carries credentials`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def normalize_url(url: str) -> str:
    """The one spelling of a page's address.

    Parsed and written by the WHATWG URL standard (lower-case host in punycode, dot segments resolved, default
    port dropped). Beyond the standard: no fragment; tracking and session parameters removed; the query sorted
    by key, then value, without empty parts; percent-encoding as in RFC 3986, section 6.2.2 (upper-case hex,
    unreserved characters decoded). Unknown parameters are always kept. A normalized address stays as it is.

    Args:
        url: An absolute address.

    Returns:
        The normalized address, at most 2,048 characters.

    Raises:
        UrlRejected: If the address is relative, invalid, not http(s), without host, with credentials, or too
            long.

    Examples:
        >>> normalize_url("HTTPS://Example.com:443/a/../b?b=2&utm_source=x&a=1#top")
        'https://example.com/b?a=1&b=2'
        >>> normalize_url("http://example.com/shop;jsessionid=1A2B?")
        'http://example.com/shop'
        >>> normalize_url("ftp://example.com/file")
        Traceback (most recent call last):
        ...
        html_classification.transforms.urls.UrlRejected: not http or https: ftp
    """
    normalized = _normalize_once(url)
    # Before what follows, which takes a round for each `%3` in `%4%3%3%31`.
    if len(normalized) > MAX_LENGTH:
        raise UrlRejected(f"longer than {MAX_LENGTH} characters")
    if "%" in url or ";" in url:
        # A decoded character or a removed session can leave new dot segments: parse again until nothing moves.
        while (again := _normalize_once(normalized)) != normalized:
            normalized = again
    return normalized


def normalize_documents(raw: pl.DataFrame) -> Outcome:
    """Compute `preprocess/url-normalization`: the freshest document of each normalized address.

    Of copies with the same time the one whose HTML has the smallest SHA-1 is kept, then the one with the
    smallest original address, so that the order of the input never matters.

    Args:
        raw: The columns of the stage `raw`.

    Returns:
        The documents, sorted by url; the rejected rows with `reason`, `url`, `timestamp` and `html`, sorted by the
        last three; and how many documents came, were older copies, and were rejected for each kind of reason.
    """
    from html_classification.schemas.url_normalization import URL_NORMALIZATION  # needs pandera; models do not

    outcome = normalize_addresses(raw)

    def digests(ties: pl.DataFrame) -> list[str]:
        return [hashlib.sha1(html.encode(), usedforsecurity=False).hexdigest() for html in ties["html"]]

    frame = freshest(outcome.frame, digests)
    counts = dict(outcome.figures)
    figures = {"documents": counts.pop("documents"), "older_copies": outcome.frame.height - frame.height} | counts
    return Outcome(frame.select(list(URL_NORMALIZATION.dtypes)), outcome.rejected, figures)


def normalize_addresses(raw: pl.DataFrame) -> Outcome:
    """Normalize the address of each document; several may have the same then.

    Args:
        raw: The columns of the stage `raw`.

    Returns:
        The columns of the stage `preprocess/url-normalization`, in the order of the input; the rejected rows with
        `reason`, `url`, `timestamp` and `html`, sorted by the last three; how many documents came, and how many were
        rejected for each kind of reason.
    """
    from html_classification.schemas.url_normalization import URL_NORMALIZATION  # needs pandera; models do not

    addresses: list[str | None] = []
    reasons: dict[str, str] = {}
    for url in raw["url"]:
        try:
            addresses.append(normalize_url(url))
        except UrlRejected as rejection:
            addresses.append(None)
            reasons[url] = rejection.reason

    documents = raw.select(
        pl.Series("url", addresses, dtype=pl.String),
        pl.col("url").alias("original_url"),
        *(name for name in URL_NORMALIZATION.dtypes if name not in ("url", "original_url")),
    )
    refused = documents.filter(pl.col("url").is_null()).sort("original_url", "timestamp", "html")
    rejected = [
        {"reason": reasons[url], "url": url, "timestamp": timestamp.isoformat(), "html": html}
        for url, timestamp, html in refused.select("original_url", "timestamp", "html").iter_rows()
    ]
    kinds = Counter(row["reason"].split(":")[0].replace(" ", "_") for row in rejected)
    figures = {"documents": raw.height} | {f"rejected_{kind}": kinds[kind] for kind in sorted(kinds)}
    return Outcome(documents.filter(pl.col("url").is_not_null()), rejected, figures)


def freshest(documents: pl.DataFrame, digests: Callable[[pl.DataFrame], list[str]]) -> pl.DataFrame:
    """One row per url, the freshest, sorted by url.

    Args:
        documents: The columns url, original_url, timestamp, and others.
        digests: Gives the SHA-1 of the HTML of some of the rows: those with equally fresh copies.

    Returns:
        The rows that stay.
    """
    ties = documents.with_row_index("row").filter(pl.struct("url", "timestamp").is_duplicated())
    order = ties.select("row").with_columns(pl.Series("digest", digests(ties), dtype=pl.String))
    return (
        documents.with_row_index("row")
        .join(order, on="row", how="left", maintain_order="left")
        .sort("url", "timestamp", "digest", "original_url", descending=[False, True, False, False])
        .unique("url", keep="first", maintain_order=True)
        .drop("row", "digest")
    )


def _normalize_once(url: str) -> str:
    parsed = _parse(url)
    path, search = parsed.pathname, parsed.search
    if "%" in path:
        path = _PERCENT.sub(_canonical_escape, path)
    if ";" in path:
        path = _PATH_SESSION.sub("", path)
    query = f"?{query}" if search and (query := _normalize_query(search[1:])) else ""
    return f"{parsed.protocol}//{parsed.host}{path}{query}"


def _parse(url: str) -> can_ada.URL:
    try:
        parsed = can_ada.parse(url)
    except (ValueError, TypeError) as error:  # TypeError: a lone surrogate, which no UTF-8 can hold
        raise UrlRejected(_why_invalid(url)) from error
    if parsed.protocol not in ("http:", "https:"):
        raise UrlRejected(f"not http or https: {parsed.protocol[:-1]}")
    if parsed.has_credentials():
        raise UrlRejected("carries credentials")
    return parsed


def _why_invalid(url: str) -> str:
    url = url.translate(_NO_TABS)
    scheme = _SCHEME.match(url)
    if not scheme:
        return "relative address" if url.strip() else "empty address"
    if scheme[1].lower() not in ("http", "https"):
        return f"not http or https: {scheme[1].lower()}"
    rest = url[scheme.end() :].strip("/\\ ")
    return "no host" if not rest or rest.startswith((":", "?", "#")) else "invalid address"


def _normalize_query(query: str) -> str:
    if "%" in query:
        query = _PERCENT.sub(_canonical_escape, query)
    parts = [part.partition("=") for part in query.split("&") if part]
    return "&".join("".join(part) for part in sorted(parts) if not _is_tracking(part[0].lower(), part[2]))


def _is_tracking(key: str, value: str) -> bool:
    key = key.removeprefix("amp;")  # an address copied out of HTML source: ?id=7&amp;utm_source=x
    if key in TRACKING_PARAMETERS or key.startswith(TRACKING_PREFIXES):
        return True
    return key == "sid" and _HASH.fullmatch(value) is not None  # phpBB's session; other `sid`s choose a page


def _canonical_escape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()
