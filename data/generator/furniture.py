"""The parts that stand around an article: head, navigation, banners, comments, footer.

Belongs here: what every site has in some form. Does not belong here: the layouts themselves (``sites``).
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from html import escape

from data.generator.articles import Article
from data.generator.hosts import Host
from data.generator.texts import CATEGORIES, chrome, fill, topic


@dataclass(frozen=True)
class Page:
    """An article on a site, with what its head declares."""

    host: Host
    url: str
    article: Article
    charset: str
    lang: str | None

    def text(self, section: str, rng: random.Random) -> str:
        """A random entry from the surrounding texts in the language of the site."""
        language = self.host.language
        return escape(fill(rng.choice(chrome(language, section)), rng, language), quote=False)


def html_tag(page: Page) -> str:
    """The opening tag, with the language as the site declares it."""
    return f'<html lang="{page.lang}">' if page.lang else "<html>"


def paragraphs(texts: tuple[str, ...]) -> str:
    """Paragraph elements."""
    return "\n".join(f"<p>{escape(text, quote=False)}</p>" for text in texts)


def body_text(page: Page, heading: str = "h2") -> str:
    """The article with its section headings."""
    parts = []
    for section in page.article.sections:
        if section.heading:
            parts.append(f"<{heading}>{escape(section.heading, quote=False)}</{heading}>")
        parts.append(paragraphs(section.paragraphs))
    if page.article.contact:
        parts.append(f"<p>{escape(page.article.contact, quote=False)}</p>")
    return "\n".join(parts)


def items(page: Page, tag: str = "ul") -> str:
    """The article's list, if it has one."""
    entries = "".join(f"<li>{escape(item, quote=False)}</li>" for item in page.article.items)
    return f"<{tag}>{entries}</{tag}>" if entries else ""


def head(page: Page, style: str, *, social: bool = True) -> str:
    """The head with metadata, style and a tracking script."""
    title = escape(page.article.title)
    summary = escape(page.article.paragraphs[0][:150])
    meta = [
        f'<meta charset="{page.charset}">',
        f"<title>{title} | {escape(page.host.title)}</title>",
        f'<meta name="description" content="{summary}">',
        f'<link rel="canonical" href="{escape(page.url)}">',
    ]
    if social:
        meta += [
            f'<meta property="og:title" content="{title}">',
            '<meta property="og:type" content="article">',
            f'<meta property="og:site_name" content="{escape(page.host.title)}">',
            json_ld(page),
        ]
    return "<head>\n" + "\n".join(meta) + f"\n<style>{style}</style>\n{script(page)}\n</head>"


def json_ld(page: Page) -> str:
    """Structured data as search engines read it."""
    kinds = {"shop": "Product", "magazine": "Recipe" if page.article.category == "cooking" else "Article"}
    data = {
        "@context": "https://schema.org",
        "@type": kinds.get(page.host.template, "Article"),
        "headline": page.article.title,
        "author": {"@type": "Person", "name": page.article.author},
        "datePublished": page.article.date,
    }
    return f'<script type="application/ld+json">{json.dumps(data, ensure_ascii=False)}</script>'


def script(page: Page) -> str:
    """A script of the kind that counts visits."""
    site = page.host.name.replace(".", "_")
    return (
        f"<script>window.dataLayer=window.dataLayer||[];(function(w,d){{var s=d.createElement('script');"
        f"s.async=1;s.src='/static/count.js?site={site}';d.head.appendChild(s);w.track=function(e){{"
        "w.dataLayer.push({event:e,t:+new Date()})}})(window,document);</script>"
    )


def navigation(page: Page) -> str:
    """Links to the sections of the site; a site with many subjects lists them all."""
    language = page.host.language
    topics = chrome(language, "topics")
    shown = [topics[CATEGORIES.index(name)] for name in page.host.categories]
    words = [chrome(language, "nav")[0], *shown, *chrome(language, "nav")[1:]]
    return "".join(f'<li><a href="/{index}/">{escape(word)}</a></li>' for index, word in enumerate(words))


def cookie_banner(page: Page, rng: random.Random) -> str:
    """The banner that asks for consent."""
    name = rng.choice(("cookie-banner", "consent", "cc-window", "gdpr-overlay"))
    buttons = "".join(f"<button>{escape(text)}</button>" for text in chrome(page.host.language, "button"))
    store = (
        f"<script>(function(){{var k='{name}',b=document.getElementById(k);if(localStorage.getItem(k)){{"
        "b.style.display='none'}b.onclick=function(e){if(e.target.tagName=='BUTTON'){"
        f"localStorage.setItem(k,'{rng.getrandbits(64):016x}');b.remove()}}}}}})();</script>"
    )
    return f'<div id="{name}" role="dialog"><p>{page.text("cookie", rng)}</p>{buttons}</div>{store}'


def advertisement(page: Page, rng: random.Random) -> str:
    """An advertising block."""
    return f'<div class="ad ad-slot-{rng.randint(1, 9)}"><span>{page.text("ad", rng)}</span></div>'


def newsletter(page: Page, rng: random.Random) -> str:
    """The box that asks for an address."""
    return (
        f'<div class="newsletter"><p>{page.text("newsletter", rng)}</p><form action="/subscribe">'
        '<input type="email" name="address"><button>OK</button></form></div>'
    )


def related(page: Page, rng: random.Random, count: int = 3) -> str:
    """Links to other articles of the site, on any of its subjects."""
    language = page.host.language
    links = []
    for _ in range(count):
        subject = rng.choice(page.host.categories)
        title = fill(rng.choice(topic(subject, language, "titles")), rng, language)
        address = f"/{subject}/{rng.randint(100, 9999)}"
        links.append(f'<li><a href="{address}">{escape(title, quote=False)}</a></li>')
    return f'<aside class="related"><h3>{page.text("related", rng)}</h3><ul>{"".join(links)}</ul></aside>'


def comments(page: Page, rng: random.Random) -> str:
    """What readers say."""
    if not page.article.comments:
        return ""
    entries = "".join(
        f'<div class="comment"><b>{escape(name)}</b> <span>{escape(text, quote=False)}</span></div>'
        for name, text in page.article.comments
    )
    return f'<section id="comments"><h3>{page.text("comments", rng)}</h3>{entries}</section>'


def footer(page: Page, rng: random.Random) -> str:
    """The small print."""
    return f"<footer>&copy; 2026 {escape(page.host.title)}. {page.text('footer', rng)}</footer>"
