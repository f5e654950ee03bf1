"""The layouts: blog, news site, magazine, shop, forum, documentation, and a page from the 1990s.

Belongs here: one function for each layout, and the pages that have nothing to say. Does not belong here:
the parts they share (``furniture``) and damage done afterwards (``damage``).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from html import escape

from data.generator import furniture as part
from data.generator.furniture import Page
from data.generator.texts import fill, person, sections

_BLOG_STYLE = (
    "body{font:18px/1.6 Georgia,serif;max-width:42em;margin:auto}.entry h1{font-size:2em}"
    ".sidebar{float:right;width:14em}.comment{border-top:1px solid #ddd;padding:.5em 0}"
)
_NEWS_STYLE = (
    ".top{background:#123;color:#fff}.grid{display:grid;grid-template-columns:2fr 1fr;gap:2rem}"
    "article h1{font:700 2.2rem/1.1 'Helvetica Neue',Arial,sans-serif}"
    ".teaser{font-size:.9rem}.ad{min-height:90px}"
)
_SHOP_STYLE = ".price{color:#b00;font-size:1.6em}.gallery img{width:100%}.buy{background:#fa0}.specs td{padding:4px}"
_DOCS_STYLE = (
    "nav.toc{position:fixed;width:16rem}main{margin-left:18rem}code{background:#eee}.note{border-left:4px solid}"
)
_MAGAZINE_STYLE = ".hero{height:60vh}.card{box-shadow:0 1px 4px #999;padding:1em}.meta span{margin-right:1em}"
_FORUM_STYLE = ".post{border:1px solid #ccd;margin:4px}.poster{width:10em;float:left;background:#eef}.sig{color:#888}"


def _document(page: Page, head: str, *body: str) -> str:
    inner = "\n".join(piece for piece in body if piece)
    return f"<!DOCTYPE html>\n{part.html_tag(page)}\n{head}\n<body>\n{inner}\n</body>\n</html>\n"


def _title(page: Page) -> str:
    return escape(page.article.title, quote=False)


def _blog(page: Page, rng: random.Random) -> str:
    byline = f'<div class="byline">{page.text("byline", rng)} · <time>{page.article.date}</time></div>'
    return _document(
        page,
        part.head(page, _BLOG_STYLE),
        f'<header class="masthead"><a href="/">{escape(page.host.title)}</a>',
        f"<ul>{part.navigation(page)}</ul></header>",
        f'<div class="sidebar">{part.related(page, rng)}{part.advertisement(page, rng)}</div>',
        f'<div class="entry"><h1>{_title(page)}</h1>{byline}{part.body_text(page)}{part.items(page)}</div>',
        part.newsletter(page, rng),
        part.comments(page, rng),
        part.cookie_banner(page, rng),
        part.footer(page, rng),
    )


def _news(page: Page, rng: random.Random) -> str:
    lead = f'<div class="byline">{escape(page.article.author)}, <time>{page.article.date}</time></div>'
    return _document(
        page,
        part.head(page, _NEWS_STYLE),
        part.cookie_banner(page, rng),
        f'<div class="top"><div class="logo">{escape(page.host.title)}</div>',
        f"<nav><ul>{part.navigation(page)}</ul></nav></div>",
        part.advertisement(page, rng),
        '<div class="grid"><article>',
        f"<h1>{_title(page)}</h1>{lead}{part.body_text(page)}",
        part.advertisement(page, rng),
        f"{part.items(page)}</article>",
        f'<div class="teaser">{part.related(page, rng, 5)}{part.newsletter(page, rng)}</div></div>',
        part.comments(page, rng),
        part.footer(page, rng),
        "<script>document.querySelectorAll('.ad').forEach(function(a){a.dataset.seen=1});track('view')</script>",
    )


def _magazine(page: Page, rng: random.Random) -> str:
    stars = "".join("★" if star < rng.randint(3, 5) else "☆" for star in range(5))
    facts = (stars, f"{rng.randint(10, 90)} min", page.article.date)
    meta = f'<div class="meta">{"".join(f"<span>{fact}</span>" for fact in facts)}</div>'
    return _document(
        page,
        part.head(page, _MAGAZINE_STYLE),
        f"<nav class=menu><ul>{part.navigation(page)}</ul></nav>",
        f'<div class="hero"><img src="/img/{rng.randint(1, 999)}.jpg" alt="{_title(page)}"></div>',
        f'<main><h1 itemprop="name">{_title(page)}</h1>{meta}',
        f'<div class="card">{part.items(page)}</div>',
        f'<div class="steps">{part.body_text(page, "h3")}</div></main>',
        part.related(page, rng, 4),
        part.comments(page, rng),
        part.newsletter(page, rng),
        part.footer(page, rng),
        part.cookie_banner(page, rng),
    )


def _shop(page: Page, rng: random.Random) -> str:
    cost = fill("{price}", rng, page.host.language)
    numbered = enumerate(page.article.items, 1)
    rows = "".join(f"<tr><td>{index}<td>{escape(item)}</tr>" for index, item in numbered)
    return _document(
        page,
        part.head(page, _SHOP_STYLE),
        '<header><form action="/search"><input name=q></form>',
        f'<ul class="menu">{part.navigation(page)}</ul></header>',
        f'<div class="product"><div class="gallery"><img src="/p/{rng.randint(1, 999)}.webp" alt=""></div>',
        f'<h1>{_title(page)}</h1><div class="price">{cost}</div><button class="buy">Add to basket</button>',
        f'<div class="description">{part.body_text(page, "h4")}</div>',
        f'<table class="specs">{rows}</table></div>',
        '<div class="delivery">Free delivery from £40 · 30 days to return · Pay by card or invoice</div>',
        part.related(page, rng, 4),
        part.comments(page, rng),
        part.cookie_banner(page, rng),
        part.footer(page, rng),
    )


def _forum(page: Page, rng: random.Random) -> str:
    posts = []
    for number, text in enumerate(page.article.paragraphs, 1):
        name = person(rng, page.host.language).first if number > 1 else page.article.author
        posts.append(
            f'<div class="post" id="p{number}">'
            f'<div class="poster">{escape(name)}<br>#{rng.randint(12, 4000)}</div>'
            f"<p>{escape(text, quote=False)}</p></div>"
        )
    if page.article.contact:
        posts.append(f'<div class="sig">{escape(page.article.contact)}</div>')
    return _document(
        page,
        part.head(page, _FORUM_STYLE, social=False),
        f'<div id="header">{escape(page.host.title)}<ul>{part.navigation(page)}</ul></div>',
        f'<div class="breadcrumb">Board » {_title(page)}</div><h2 class="topic">{_title(page)}</h2>',
        *posts,
        part.items(page),
        part.comments(page, rng),
        part.advertisement(page, rng),
        part.related(page, rng),
        part.footer(page, rng),
    )


def _docs(page: Page, rng: random.Random) -> str:
    named = [section.heading for section in page.article.sections if section.heading]
    headings = "".join(f"<li><a href='#s'>{escape(name)}</a></li>" for name in named)
    return _document(
        page,
        part.head(page, _DOCS_STYLE, social=False),
        f'<nav class="toc"><ul>{part.navigation(page)}</ul><ul>{headings}</ul></nav>',
        f"<main><h1>{_title(page)} <a class=headerlink href=#>¶</a></h1>",
        f'{part.body_text(page)}<div class="note">Version {rng.randint(1, 9)}.{rng.randint(0, 9)}</div>',
        part.items(page, "ol"),
        '<a rel="prev" href="../">Previous</a> <a rel="next" href="next">Next</a></main>',
        part.footer(page, rng),
    )


def _table(page: Page, rng: random.Random) -> str:
    links = part.navigation(page).replace("<li>", "<BR>").replace("</li>", "")
    text = part.body_text(page, "H3").replace("<p>", '<p><FONT FACE="Verdana" SIZE=2>')
    text = text.replace("</p>", "</FONT></p>")
    count = rng.randint(9, 99999)
    return (
        f'<HTML>\n<HEAD><meta http-equiv="Content-Type" content="text/html; charset={page.charset}">\n'
        f"<TITLE>{_title(page)}</TITLE></HEAD>\n<BODY BGCOLOR=#FFFFCC TEXT=black>\n"
        f"<CENTER><H1>{_title(page)}</H1><HR></CENTER>\n"
        f"<TABLE BORDER=0 WIDTH=760><TR><TD WIDTH=140 VALIGN=top>{links}</TD>\n"
        f"<TD>{text}\n{part.items(page)}{part.comments(page, rng)}</TD></TR></TABLE>\n"
        f"<HR><I>{escape(page.host.title)}. {page.text('footer', rng)}</I> "
        f"<IMG SRC=counter.gif ALT={count}>\n"
        "</BODY></HTML>\n"
    )


_LAYOUTS: dict[str, Callable[[Page, random.Random], str]] = {
    "blog": _blog,
    "news": _news,
    "magazine": _magazine,
    "shop": _shop,
    "forum": _forum,
    "docs": _docs,
    "table": _table,
}
OFF_TOPIC_KINDS = ("soft404", "parked", "lorem", "login", "empty")


def render(page: Page, rng: random.Random) -> str:
    """The page in the layout of its host."""
    return _LAYOUTS[page.host.template](page, rng)


def render_off_topic(kind: str, host_title: str, rng: random.Random) -> str:
    """A page without a subject."""
    texts = sections("offtopic")[kind]
    shown = texts if kind == "lorem" else (rng.choice(texts),)
    body = "" if kind == "empty" else part.paragraphs(tuple(shown))
    number = f"<!-- {rng.getrandbits(48):012x} -->"
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{escape(host_title)}</title></head>\n'
        f"<body>{number}<h1>{escape(host_title) if body else ''}</h1>{body}</body></html>\n"
    )
