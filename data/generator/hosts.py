"""The invented hosts: name, template, language, subjects. Nothing that is rendered belongs here."""

from __future__ import annotations

from dataclasses import dataclass

from data.generator.texts import CATEGORIES


@dataclass(frozen=True)
class Host:
    """One web site of the sample."""

    name: str
    title: str
    template: str
    language: str
    categories: tuple[str, ...] = CATEGORIES
    scheme: str = "https"
    charset: str = "utf-8"


HOSTS = (
    Host("www.morning-ledger.example", "The Morning Ledger", "news", "en"),
    Host("dailyharbor.example", "Daily Harbor", "news", "en"),
    Host("quietkitchen.example", "Quiet Kitchen", "magazine", "en", ("cooking",)),
    Host("thebackyardbed.example", "The Backyard Bed", "blog", "en", ("gardening", "cooking")),
    Host("www.gridandgadget.example", "Grid & Gadget", "blog", "en", ("technology",)),
    Host("docs.openhandbook.example", "Open Handbook", "docs", "en"),
    Host("slowmiles.example", "Slow Miles", "magazine", "en", ("travel",)),
    Host("www.pulseandplate.example", "Pulse & Plate", "magazine", "en", ("health", "cooking", "sports")),
    Host("pennywise-notes.example", "Pennywise Notes", "blog", "en", ("finance", "technology")),
    Host("touchline-weekly.example", "Touchline Weekly", "news", "en", ("sports",)),
    Host("talk.commonroom.example", "Common Room", "forum", "en"),
    Host("boards.tinkerers.example", "Tinkerers", "forum", "en"),
    Host("shop.hearthgoods.example", "Hearth Goods", "shop", "en", ("cooking", "gardening", "health")),
    Host("www.northpeak-outfitters.example", "North Peak", "shop", "en", ("sports", "travel", "health")),
    Host("store.voltcorner.example", "Volt Corner", "shop", "en", ("technology", "finance")),
    Host("members.oldweb.example", "Old Web Members", "table", "en", scheme="http", charset="iso-8859-1"),
    Host("www.countypages.example", "County Pages", "table", "en", scheme="http", charset="windows-1252"),
    Host("tabi-note.example", "旅ノート Tabi Note", "blog", "en", ("travel", "cooking"), charset="shift_jis"),
    Host("wellspring-clinic.example", "Wellspring", "docs", "en", ("health", "sports")),
    Host("www.kochwelt.example", "Kochwelt", "magazine", "de", ("cooking", "gardening")),
    Host("nachrichten-am-markt.example", "Nachrichten am Markt", "news", "de"),
    Host("forum.werkbank.example", "Werkbank-Forum", "forum", "de"),
    Host("le-carnet.example", "Le Carnet", "blog", "fr", charset="iso-8859-1"),
    Host("journal-des-halles.example", "Journal des Halles", "news", "fr"),
    Host("www.diario-ribera.example", "Diario Ribera", "news", "es"),
    Host("foro.plazamayor.example", "Plaza Mayor", "forum", "es"),
    Host("gazzetta-del-borgo.example", "Gazzetta del Borgo", "news", "it"),
    Host("www.piazza-aperta.example", "Piazza Aperta", "table", "it", scheme="http", charset="windows-1252"),
)
PARKED = ("best-offers-now.example", "name-for-sale.example")


def hosts_for(category: str, language: str) -> tuple[Host, ...]:
    """The hosts that may publish on a subject in a language."""
    return tuple(host for host in HOSTS if host.language == language and category in host.categories)
