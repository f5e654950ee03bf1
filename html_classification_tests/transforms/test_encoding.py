"""Encodings: planted pages in many of them, with true, missing and wrong declarations, and bytes of any kind."""

import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.transforms.encoding import begins_as_html, binary_kind, decode, is_binary

FRENCH = "Les élèves ont mangé des crêpes à côté du château. Où êtes-vous allés l'été dernier ? Ça coûte très cher."
POLISH = "Chłopiec, który mieszkał w małej wsi, zażółcił gęślą jaźń. Później poszliśmy do sklepu, żeby kupić chleb."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy. Děti si hrají na zahradě a babička vaří oběd. Viděli jsme krásný film."
RUSSIAN = "Утром дети пошли в школу, а потом играли в парке. Вчера мы смотрели интересный фильм о старом городе."
UKRAINIAN = "Уранці діти пішли до школи, а потім гралися в парку. Учора ми дивилися цікавий фільм про старе місто."
GREEK = "Το πρωί τα παιδιά πήγαν στο σχολείο και μετά έπαιξαν στο πάρκο. Χθες είδαμε μια ενδιαφέρουσα ταινία."
TURKISH = "Çocuklar sabah okula gitti, sonra parkta oynadılar. Büyükanne lezzetli bir öğle yemeği pişirdi."
HEBREW = "בבוקר הלכו הילדים לבית הספר ואחר כך שיחקו בפארק. אתמול ראינו סרט מעניין על העיר העתיקה."
ARABIC = "في الصباح ذهب الأطفال إلى المدرسة ثم لعبوا في الحديقة. أمس شاهدنا فيلما ممتعا عن المدينة القديمة."
JAPANESE = "今朝、子供たちは学校へ行き、それから公園で遊びました。昨日は古い町についての面白い映画を見ました。"
CHINESE = "早上孩子们去了学校，然后在公园里玩。昨天我们看了一部关于老城的有趣电影。奶奶做了美味的午饭。"
TAIWANESE = "早上孩子們去了學校，然後在公園裡玩。昨天我們看了一部關於老城的有趣電影。奶奶做了美味的午飯。"
KOREAN = "아침에 아이들은 학교에 갔다가 공원에서 놀았습니다. 어제 우리는 오래된 도시에 관한 영화를 보았습니다."
THAI = "ตอนเช้าเด็กๆ ไปโรงเรียนแล้วเล่นในสวนสาธารณะ เมื่อวานเราดูหนังที่น่าสนใจเกี่ยวกับเมืองเก่า"

#: WHATWG's name, Python's codec, a text.
PLANTED = [
    ("windows-1252", "cp1252", FRENCH),
    ("iso-8859-2", "iso8859_2", POLISH),
    ("iso-8859-2", "iso8859_2", CZECH),
    ("windows-1250", "cp1250", POLISH),
    ("windows-1250", "cp1250", CZECH),
    ("windows-1251", "cp1251", RUSSIAN),
    ("koi8-r", "koi8_r", RUSSIAN),
    ("koi8-u", "koi8_u", UKRAINIAN),
    ("ibm866", "cp866", RUSSIAN),
    ("iso-8859-5", "iso8859_5", RUSSIAN),
    ("windows-1253", "cp1253", GREEK),
    ("windows-1254", "cp1254", TURKISH),
    ("windows-1255", "cp1255", HEBREW),
    ("windows-1256", "cp1256", ARABIC),
    ("windows-874", "cp874", THAI),
    ("shift_jis", "cp932", JAPANESE),
    ("euc-jp", "euc_jp", JAPANESE),
    ("iso-2022-jp", "iso2022_jp", JAPANESE),
    ("gbk", "gbk", CHINESE),
    ("big5", "big5", TAIWANESE),
    ("euc-kr", "cp949", KOREAN),
]
TEXTS = [
    *(FRENCH, POLISH, CZECH, RUSSIAN, UKRAINIAN, GREEK, TURKISH, HEBREW, ARABIC),
    *(JAPANESE, CHINESE, TAIWANESE, KOREAN, THAI),
]
ENGLISH = "<p>Our offers of this week, and everything else that the shop has in store for you.</p>\n"
SCRIPT = '<script>if (a < b) { document.title = "x"; }</script>'


def page(text: str, declaration: str = "", padding: int = 0) -> str:
    sentences = "".join(f"<p>{sentence}</p>" for sentence in text.split(". "))
    return (
        f"<!DOCTYPE html><html><head>{declaration}<title>{text[:20]}</title>{SCRIPT}</head>"
        f"<body><nav><a href='/'>Home</a></nav>{ENGLISH * padding}{sentences}<footer>All rights reserved</footer>"
    )


planted = pytest.mark.parametrize(
    ("name", "codec", "text"), PLANTED, ids=[f"{name}-{text[:5]}" for name, _, text in PLANTED]
)


@planted
@pytest.mark.parametrize("padding", [0, 40])
@pytest.mark.parametrize(
    "declared", ["by the header", "by the page", "by nobody", "as UTF-8 by both", "as UTF-8 by one"]
)
def test_a_page_is_read_right_whatever_is_declared(
    name: str, codec: str, text: str, declared: str, padding: int
) -> None:
    in_page = {"by the page": f"<meta charset={name}>", "as UTF-8 by both": '<meta charset="utf-8">'}
    in_header = {"by the header": f"text/html; charset={name}", "as UTF-8 by both": "text/html;charset=UTF-8"}
    html = page(text, in_page.get(declared, ""), padding)
    if declared == "as UTF-8 by one":
        html, in_header[declared] = page(text, f"<meta charset={name}>", padding), "text/html; charset=utf-8"
    decoded = decode(html.encode(codec, "replace"), in_header.get(declared, "text/html"))
    assert decoded.text == html.encode(codec, "replace").decode(codec)
    if not (text == GREEK and decoded.encoding == "iso-8859-7"):  # which is the same for all but one of its letters
        assert decoded.encoding == name


@pytest.mark.parametrize(
    ("codec", "text"),
    # Nothing but a dictionary tells Czech and Turkish from Western languages.
    [(codec, text) for _, codec, text in PLANTED if text not in (FRENCH, CZECH, TURKISH)],
)
def test_other_scripts_are_read_right_where_latin_1_is_declared(codec: str, text: str) -> None:
    data = page(text, "<meta charset=iso-8859-1>").encode(codec, "replace")
    for content_type in ("text/html", "text/html; charset=windows-1252"):
        assert decode(data, content_type).text == data.decode(codec)


@pytest.mark.parametrize("text", TEXTS, ids=[text[:5] for text in TEXTS])
@pytest.mark.parametrize("label", ["iso-8859-1", "windows-1251", "shift_jis", "gb2312", "utf-16"])
def test_utf_8_is_utf_8_whatever_is_declared(text: str, label: str) -> None:
    html = page(text, f"<meta charset={label}>")
    decoded = decode(html.encode(), f"text/html; charset={label}")
    assert (decoded.text, decoded.encoding) == (html, "utf-8")


@pytest.mark.parametrize("text", TEXTS, ids=[text[:5] for text in TEXTS])
@pytest.mark.parametrize(
    ("codec", "name"),
    [("utf-16-le", "utf-16le"), ("utf-16-be", "utf-16be"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16le")],
)
def test_marks_and_null_bytes_are_seen_before_declarations(text: str, codec: str, name: str) -> None:
    html = page(text, "<meta charset=iso-8859-1>")
    decoded = decode(html.encode(codec), "text/html; charset=koi8-r")
    assert (decoded.text, decoded.encoding) == (html, name)


@planted
def test_the_header_wins_over_the_page(name: str, codec: str, text: str) -> None:
    html = page(text, "<meta charset=iso-8859-1>").encode(codec, "replace")
    assert decode(html, f'text/html; charset="{name.upper()}"').encoding == name


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        ("<meta charset=latin1>", "windows-1252"),
        ("<meta charset='ISO-8859-15'>", "iso-8859-15"),
        ('<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=windows-1257">', "windows-1257"),
        ("<meta content='text/html;charset=x-sjis' http-equiv=content-type>", "shift_jis"),
        ('<?xml version="1.0" encoding="iso-8859-4"?>', "iso-8859-4"),
        ("<!-- <meta charset=koi8-r> --><meta charset=iso-8859-10>", "iso-8859-10"),
        ('<meta name=description content="charset=koi8-r"><meta charset=iso-8859-3>', "iso-8859-3"),
        ("<meta charset=nonsense><meta charset=macintosh>", "macintosh"),
        ("<meta charset=utf-7><meta charset=iso-8859-13>", "iso-8859-13"),
        ("<meta charset=x-user-defined>", "windows-1252"),
        ("<!--" + "x" * 3000 + "--><meta charset=iso-8859-16>", "iso-8859-16"),
    ],
)
def test_declarations_in_the_page_are_read_as_browsers_do(declaration: str, encoding: str) -> None:
    # 0xA4 is something in each of these, and a lone byte tells detection nothing.
    data = (declaration + "<p>one ").encode() + (b"\x83\x41" if encoding == "shift_jis" else b"\xa4")
    assert decode(data).encoding == encoding


def test_names_mean_what_they_mean_on_the_web() -> None:
    assert decode("<p>“quotes” for 5 €".encode("cp1252"), "text/html; charset=iso-8859-1").text == "<p>“quotes” for 5 €"
    assert decode("<p>朱镕基".encode("gb18030"), "text/html; charset=gb2312").text == "<p>朱镕基"
    assert decode("<p>①㈱".encode("cp932"), "text/html; charset=shift_jis").text == "<p>①㈱"
    assert decode("<p>똠방각하".encode("cp949"), "text/html; charset=euc-kr").text == "<p>똠방각하"


@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-1", "gbk"])
def test_utf_8_with_some_damage_is_utf_8(declared: str) -> None:
    data = page(RUSSIAN).encode()
    damaged = data.replace("город".encode(), "горо".encode() + b"\xd0", 1)
    for broken in (damaged, data[: data.index("фильм".encode()) + 1]):
        decoded = decode(broken, f"text/html; charset={declared}")
        assert decoded.encoding == "utf-8"
        assert decoded.text.count("\ufffd") == 1


@pytest.mark.parametrize(
    "text", ["A rather naïve view of the whole matter", "café", "© 2026 Example", "“Quoted” – it’s fine…"]
)
def test_a_few_western_letters_are_western(text: str) -> None:
    data = f"<p>{text}</p>".encode("cp1252")
    assert (decode(data).text, decode(data).encoding) == (f"<p>{text}</p>", "windows-1252")


def test_ascii_is_utf_8() -> None:
    assert decode(b"<meta charset=shift_jis><p>~\\").encoding == "utf-8"
    assert decode(b"") == decode(b"", "text/html; charset=koi8-r")


@given(st.binary(max_size=500), st.text(max_size=50))
def test_any_bytes_become_a_text_that_can_be_stored(data: bytes, content_type: str) -> None:
    decoded = decode(data, content_type)
    decoded.text.encode()
    assert re.fullmatch(r"[a-z0-9_-]+", decoded.encoding)
    assert decode(data, content_type) == decoded
    is_binary(data)


@given(
    st.sampled_from(PLANTED),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), max_size=5),
    st.sampled_from(["", "text/html; charset=utf-16", "charset=\x00", "text/html; charset=", "text/html; charset=é"]),
)
def test_damage_never_stops_a_page(planted: tuple[str, str, str], damage: list[tuple[int, bytes]], header: str) -> None:
    data = page(planted[2]).encode(planted[1], "replace")
    for at, bytes_ in damage:
        data = data[:at] + bytes_ + data[at + 1 :]
    assert decode(data, header).text


@pytest.mark.parametrize(
    "unit",
    [
        b"<meta ",
        b"<!--",
        b'<meta charset="',
        b"<meta charset='a\" ",
        b"<\xe9",
        b"\xe9",
        b"\x1b$B",
        b"<a b=\xff",
        b"\xc3\xa9<p>",
    ],
)
def test_hostile_repetition_takes_no_more_calls_per_byte(unit: bytes) -> None:
    """Each of these would show as minutes, were anything quadratic in 8 MB."""
    assert decode(unit * (8_000_000 // len(unit))).encoding


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"GIF89a\1\0", "GIF"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "WebP"),
        (b"\0\0\0\x18ftypmp42", "MP4"),
        (b"PK\x03\x04\x14\0", "zip"),
        (b"\x1f\x8b\x08\0\0", "gzip"),
        (zlib.compress(b"x" * 100), "binary data"),
        (bytes(range(256)), "binary data"),
    ],
)
def test_what_is_no_text_is_said(data: bytes, kind: str) -> None:
    assert (binary_kind(data), is_binary(data)) == (kind, True)


@planted
def test_no_page_is_taken_for_binary(name: str, codec: str, text: str) -> None:
    if codec != "iso2022_jp":  # its escape is no binary byte by the standard
        assert not is_binary(text.encode(codec, "replace"))
    assert not is_binary(page(text).encode(codec, "replace"))


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_unicode_is_text(codec: str) -> None:
    assert not is_binary(page(CHINESE).encode(codec))


def test_html_with_a_stray_null_byte_is_html() -> None:
    data = b"\n <!DOCTYPE html>\n<p>one\0two"
    assert begins_as_html(data)
    assert not is_binary(data)
    assert decode(data).text == data.decode()


def test_text_that_does_not_begin_as_html_is_still_text() -> None:
    assert not begins_as_html(b"Hello <b>world</b>")
    assert not is_binary(b"Hello <b>world</b>")
