"""What a user relies on: one page has one address, and a day has one document for it."""

import datetime as dt
import random
import string

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from html_classification.schemas.columns import UTC_TIMESTAMP
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification.transforms.urls import MAX_LENGTH, UrlRejected, normalize_documents, normalize_url

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://EXAMPLE.com:80", "http://example.com/"),
        ("https://example.com:443/a/./b/../c", "https://example.com/a/c"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://例え.jp/ü", "https://xn--r8jz45g.jp/%C3%BC"),
        ("https://e.com/%7euser/%c3%bc%2f", "https://e.com/~user/%C3%BC%2F"),
        ("https://e.com/a#section", "https://e.com/a"),
        ("https://e.com/?", "https://e.com/"),
        ("https://e.com/?b=2&a=1", "https://e.com/?a=1&b=2"),
        ("https://e.com/?a=2&a=1&&b", "https://e.com/?a=1&a=2&b"),
        ("https://e.com/?utm_source=x&UTM_Medium=y&id=7&gclid=1&fbclid=2&srsltid=3", "https://e.com/?id=7"),
        ("https://e.com/?mc_cid=1&mc_eid=2&_ga=3&igshid=4&yclid=5&msclkid=6", "https://e.com/"),
        ("https://e.com/?PHPSESSID=abc&p=1", "https://e.com/?p=1"),
        ("https://e.com/shop;jsessionid=1A2B.n1/item;JSESSIONID=9?x=1", "https://e.com/shop/item?x=1"),
        ("https://e.com/a/b/..;jsessionid=1/c", "https://e.com/a/c"),
        ("https://e.com/?sid=0123456789abcdef0123456789abcdef&t=5", "https://e.com/?t=5"),
        ("https://e.com/?sid=42", "https://e.com/?sid=42"),
        ("https://e.com/?unknown=%e2%82%ac&q=a+b", "https://e.com/?q=a+b&unknown=%E2%82%AC"),
        (" https://e.com/a\tb\n", "https://e.com/ab"),
        ("https://e.com/%zz?%", "https://e.com/%zz?%"),
        # hosts, as in the standard's own tests (web-platform-tests, url/)
        ("https://faß.de/", "https://xn--fa-hia.de/"),
        ("https://☃.net", "https://xn--n3h.net/"),
        ("https://ｅ．com/", "https://e.com/"),
        ("https://e。com/", "https://e.com/"),
        ("https://e\u00adx.com/", "https://ex.com/"),
        ("https://e%2ecom/", "https://e.com/"),
        ("https://0x7f.1/", "https://127.0.0.1/"),
        ("https://[2001:DB8::0:1]:443/", "https://[2001:db8::1]/"),
        ("https://[::ffff:1.2.3.4]/", "https://[::ffff:102:304]/"),
        ("https://a_b.com:00443/", "https://a_b.com/"),
        ("https://e.com:/", "https://e.com/"),
        ("https://example.com./", "https://example.com./"),  # another name than without the dot
        # slashes, dots and what is typed by mistake
        ("https:\\\\e.com\\a\\b", "https://e.com/a/b"),
        ("https:e.com/a", "https://e.com/a"),
        ("https:///e.com/a", "https://e.com/a"),
        ("ht\ntp://e.\tcom/", "http://e.com/"),
        ("https://e.com/..//../a//b/", "https://e.com/a//b/"),
        ("https://e.com/a/%2e%2E/b", "https://e.com/b"),
        ("https://e.com/a/...", "https://e.com/a/..."),
        # encodings
        ("https://e.com/a%252fb", "https://e.com/a%252fb"),
        ("https://e.com/%41%c3%a9%e9", "https://e.com/A%C3%A9%E9"),
        ("https://e.com/u\u0308", "https://e.com/u%CC%88"),  # not ü: servers tell them apart
        ("https://e.com/a b+c?a b+c", "https://e.com/a%20b+c?a%20b+c"),
        # queries
        ("https://e.com/?a=&b&a", "https://e.com/?a&a=&b"),
        ("https://e.com/?=x&=", "https://e.com/?=&=x"),
        ("https://e.com/?a=1&a=1", "https://e.com/?a=1&a=1"),
        ("https://e.com/?a=b=c&a[]=2&a[]=1", "https://e.com/?a=b=c&a[]=1&a[]=2"),
        ("https://e.com/?a=%26&a=%3d", "https://e.com/?a=%26&a=%3D"),
        ("https://e.com/?a=1;b=2", "https://e.com/?a=1;b=2"),
        ("https://e.com/?%62=1&a=2", "https://e.com/?a=2&b=1"),
        ("https://e.com/?utm%5Fsource=x", "https://e.com/"),
        ("https://e.com/?id=7&amp;utm_source=x&amp;p=2", "https://e.com/?amp;p=2&id=7"),
        ("https://e.com/?gad_source=1&gad_campaignid=2&matomo_campaign=3", "https://e.com/"),
        ("https://e.com/?a#b?utm_source=c", "https://e.com/?a"),
        ("https://e.com#a?b", "https://e.com/"),
    ],
)
def test_one_spelling(url: str, expected: str) -> None:
    assert normalize_url(url) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "empty address"),
        ("/about", "relative address"),
        ("www.example.com/about", "relative address"),
        ("ftp://example.com/", "not http or https: ftp"),
        ("mailto:someone@example.com", "not http or https: mailto"),
        ("javascript:void(0)", "not http or https: javascript"),
        ("//example.com/", "relative address"),
        ("\ufeffhttps://example.com/", "relative address"),
        ("view-source:https://example.com/", "not http or https: view-source"),
        ("blob:https://example.com/x", "not http or https: blob"),
        ("https://", "no host"),
        ("https:\t//\n", "no host"),
        ("https://:443/", "no host"),
        ("https://?q", "no host"),
        ("https://:secret@example.com/", "carries credentials"),
        ("https://e.com:99999/", "invalid address"),
        ("https://e.com:port/", "invalid address"),
        ("https://1.2.3.256/", "invalid address"),
        ("https://[fe80::1%25eth0]/", "invalid address"),
        ("https://xn--a/", "invalid address"),
        ("https://e.com%2fevil/", "invalid address"),
        ("https://\u202ee.com/", "invalid address"),
        ("https://user:secret@example.com/", "carries credentials"),
        ("https://user@example.com/", "carries credentials"),
        ("https://exa mple.com/", "invalid address"),
        ("https://[::1/", "invalid address"),
        ("https://e.com/\ud800", "invalid address"),
        ("https://e.com/" + "a" * MAX_LENGTH, "longer than 2048 characters"),
    ],
)
def test_refused_with_a_reason(url: str, reason: str) -> None:
    with pytest.raises(UrlRejected) as rejection:
        normalize_url(url)
    assert rejection.value.reason == reason


def test_tracking_does_not_count_towards_the_length() -> None:
    assert normalize_url("https://e.com/?utm_content=" + "x" * 3000) == "https://e.com/"


def test_what_would_be_decoded_again_and_again_is_refused() -> None:
    hostile = "https://e.com/%4" + "%3" * 500_000 + "1"  # each round would decode one more of them
    with pytest.raises(UrlRejected, match="longer than 2048"):
        normalize_url(hostile)
    assert normalize_url("https://e.com/%4%3%3%31") == "https://e.com/A"


def made_of(pieces: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces.split()), max_size=20).map("".join)


URLS = st.builds(
    "{}://{}/{}{}{}".format,
    st.sampled_from(["http", "HTTPS", "https"]),
    st.sampled_from(["example.com", "ExamPle.COM:80", "a.b:443", "例え.jp", "1.2.3", "[::1]:8080"]),
    made_of("a B / // . .. ; = %27 %2e %2F %7E %zz % ü \\ : @ + ' \" < | ;jsessionid= ;PHPSESSID="),
    st.one_of(st.just(""), made_of("a B & = ? / %2f %7e %26 + ; ' ü utm_x= sid= %75tm_").map("?".__add__)),
    st.sampled_from(["", "#top"]),
)


@given(st.one_of(URLS, st.text(), st.text(string.printable).map("https://e.com/".__add__)))
@example("https://e.com/.%2e;jsessionid=/x")
@example("https://e.com/?%75tm_a=1")
@example("https://e.com/;%6asessionid=1")
@example("https://e.com/a/..;jsessionid=1/..")
@example("https://e.com/%2%65/%4%31?%7%35tm_a")
def test_normal_is_normal(url: str) -> None:
    try:
        normalized = normalize_url(url)
    except UrlRejected as rejection:
        assert rejection.reason
        return
    assert normalize_url(normalized) == normalized
    assert normalized.startswith(("http://", "https://"))
    assert normalized.isascii()
    assert "#" not in normalized


@given(
    st.lists(st.tuples(st.text(string.ascii_lowercase, min_size=1), st.text(string.digits)), max_size=6),
    st.randoms(),
)
def test_unknown_parameters_are_kept_in_any_order(pairs: list[tuple[str, str]], order: random.Random) -> None:
    query = [f"x{key}={value}" for key, value in pairs]  # no known tracker begins with x
    urls = ["https://e.com/?" + "&".join(query)]
    order.shuffle(query)
    urls.append("https://e.com/?" + "&".join(query))
    one, two = map(normalize_url, urls)
    assert one == two
    assert sorted(one.partition("?")[2].split("&")) == sorted(query or [""])


def raw(*rows: tuple[str, str, int]) -> pl.DataFrame:
    """Documents by address, html and hours after noon."""
    schema = {"url": pl.String, "html": pl.String, "timestamp": UTC_TIMESTAMP, "encoding": pl.String}
    times = [(u, h, NOON + dt.timedelta(hours=t), None) for u, h, t in rows]
    return pl.DataFrame(times, schema=schema, orient="row")


def test_the_freshest_copy_is_kept() -> None:
    documents = raw(
        ("https://b.com/?utm_source=mail", "new", 3),
        ("https://a.com/", "a", 0),
        ("https://b.com/", "old", 1),
        ("https://B.com/#x", "older", 0),
    )
    outcome = normalize_documents(documents)
    URL_NORMALIZATION.model.validate(outcome.frame)
    assert outcome.frame.rows() == [
        ("https://a.com/", "https://a.com/", "a", NOON, None),
        ("https://b.com/", "https://b.com/?utm_source=mail", "new", NOON + dt.timedelta(hours=3), None),
    ]
    assert outcome.figures == {"documents": 4, "older_copies": 2}
    assert outcome.rejected == []


def test_the_order_of_the_input_never_matters() -> None:
    rows = [(f"https://e.com/{i % 3}#{i % 4}", f"html {i % 5}", i % 2) for i in range(60)] + [
        ("/x", str(i), 0) for i in range(3)
    ]
    expected = normalize_documents(raw(*rows))
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        outcome = normalize_documents(raw(*rows))
        assert outcome.frame.equals(expected.frame)
        assert outcome.rejected == expected.rejected


def test_refused_rows_say_why_and_keep_the_document() -> None:
    outcome = normalize_documents(raw(("ftp://e.com/", "<p>x", 0), ("gopher://e.com/", "", 0), ("/a", "y", 1)))
    assert outcome.frame.is_empty()
    URL_NORMALIZATION.model.validate(outcome.frame)
    assert outcome.rejected[1] == {
        "reason": "not http or https: ftp",
        "url": "ftp://e.com/",
        "timestamp": "2026-03-01T12:00:00+00:00",
        "html": "<p>x",
    }
    assert outcome.figures["rejected_not_http_or_https"] == 2
    assert outcome.figures["rejected_relative_address"] == 1


def test_no_documents() -> None:
    outcome = normalize_documents(raw())
    URL_NORMALIZATION.model.validate(outcome.frame)
    assert outcome.figures == {"documents": 0, "older_copies": 0}
