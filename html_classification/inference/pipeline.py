"""A model as one function, from HTML to probabilities, through the very code that its training data went through.

Belongs here: the order of the steps, and what becomes of pages that cannot be taken. Does not belong here: the steps
themselves (`transforms`, `training.features`), the forms that pages come in (`pages`), MLflow (`model`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.inference.pages import GivenPage, read_pages
from html_classification.training.features import FIELDS, address_field, field_matrix
from html_classification.transforms.html.page import PageRejected, parse_page
from html_classification.transforms.language import detect_languages
from html_classification.transforms.text.document import title_and_content
from html_classification.transforms.text.normalization import normalize_texts
from html_classification.transforms.text.versions import TextVersion
from html_classification.transforms.urls import UrlRejected, normalize_url

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

#: Probabilities are rounded, as they are in the lake: further digits depend on the processor.
DECIMALS = 6
_NO_ADDRESS = "http://address-not-known.invalid/"
_PARSED = {name: pl.String for name in ("url", "title", "content", "markup")}


@dataclass(frozen=True)
class PagePipeline:
    """What takes HTML and returns categories.

    Attributes:
        classifier: A fitted scikit-learn pipeline, whose input is a field matrix (see `training.features`).
        text_version: The text version that it learned from.
    """

    classifier: "Pipeline"
    text_version: TextVersion

    @property
    def categories(self) -> list[str]:
        """The categories that the classifier knows, in alphabetical order."""
        return sorted(map(str, self.classifier.classes_))

    def predict(self, pages: Any) -> pl.DataFrame:
        """Classify pages.

        Args:
            pages: HTML, or a table or rows of `html` and perhaps `url`: see `pages.read_pages`. The address matters
                where the classifier reads it.

        Returns:
            A row for each page, in order: `category`, the most probable one, of equals the alphabetically first;
            `probability`, its own; `probabilities`, a struct with a field for each category, in six decimals; and
            `reason`. For a page that is refused all are null but `reason`, which says why in the same words as
            `rejected.jsonl` in the lake.

        Raises:
            ValueError: If `pages` has no form that is taken.
        """
        fields = self.fields(pages)
        taken = fields.filter(pl.col("reason").is_null())
        judged = self._judge(taken).with_columns(page=taken["page"])
        return (
            fields.select("page", "reason")
            .join(judged, on="page", how="left", maintain_order="left")
            .select("category", "probability", "probabilities", "reason")
        )

    def fields(self, pages: Any) -> pl.DataFrame:
        """What the classifier reads of pages, as `training.rows` has it of the lake's.

        Args:
            pages: As in `predict`.

        Returns:
            A row for each page, in order: `page`, its number; the columns `training.features.FIELDS`; and `reason`, why
            it is refused, or null.
        """
        parsed, refused = _parse(read_pages(pages))
        languages = detect_languages(parsed.select(judged=pl.format("{} - {}", "title", "content"))["judged"])
        normalized = normalize_texts(
            # Numbers take the place of addresses, which may be missing, or the same twice.
            parsed.with_columns(languages["language"], url=pl.col("page").cast(pl.String), timestamp=None),
            self.text_version,
        )
        texts = normalized.frame.select(page=pl.col("url").cast(pl.Int64), text=title_and_content())
        refused |= {int(row["url"]): row["reason"] for row in normalized.rejected}
        reasons = pl.DataFrame(list(refused.items()), schema={"page": pl.Int64, "reason": pl.String}, orient="row")
        taken = parsed.join(texts, on="page").with_columns(address_field(), reason=pl.lit(None, pl.String))
        return pl.concat([taken.select("page", *FIELDS, "reason"), reasons], how="diagonal").sort("page")

    def _judge(self, taken: pl.DataFrame) -> pl.DataFrame:
        """What the classifier says, in the columns that `predict` returns."""
        import numpy as np

        names = [str(name) for name in self.classifier.classes_]
        order = np.argsort(names)
        if taken.is_empty():
            rounded = np.zeros((0, len(names)))
        else:
            probabilities = self.classifier.predict_proba(field_matrix(taken))[:, order]
            rounded = np.clip(np.asarray(probabilities, np.float64).round(DECIMALS), 0.0, 1.0)
        categories = pl.Series(self.categories, dtype=pl.String)
        return pl.DataFrame(
            {
                "category": categories.gather(rounded.argmax(axis=1)),
                "probability": rounded.max(axis=1, initial=0.0),
                "probabilities": pl.DataFrame(rounded, schema=self.categories).to_struct(),
            }
        )


def _parse(pages: list[GivenPage]) -> tuple[pl.DataFrame, dict[int, str]]:
    """The pages that can be taken, and of the others, by number, why not."""
    rows: list[dict[str, Any]] = []
    refused: dict[int, str] = {}
    for number, given in enumerate(pages):
        try:
            rows.append({"page": number, **_parse_one(given)})
        except (PageRejected, UrlRejected) as rejection:
            refused[number] = rejection.reason
    return pl.DataFrame(rows, schema={"page": pl.Int64, **_PARSED}), refused


def _parse_one(given: GivenPage) -> dict[str, str]:
    """What a page says, as the stage `preprocess/html-parsing` has it, under its normalized address."""
    if given.html is None:
        raise PageRejected("no html")
    if not isinstance(given.html, str | bytes):
        raise PageRejected(f"html is {type(given.html).__name__}, neither text nor bytes")
    if not isinstance(given.url, str | None):
        raise UrlRejected(f"url is {type(given.url).__name__}, no text")
    url = normalize_url(given.url) if given.url else ""
    parsed = parse_page(given.html, url or _NO_ADDRESS)
    page = parsed.page
    return {"url": url, "title": page.title, "content": parsed.content, "markup": page.markup}
