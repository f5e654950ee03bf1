"""Checks of a day's labels against the days before: they warn, and a version is published all the same.

Belongs here: what is checked, and how large a change must be. Does not belong here: how labels become gold
(`annotation`) or annotators are judged (`annotators`).

A small day differs from the days before by chance alone. So a change must be both large and unlikely: by the exact test
of two Poisson rates, given their sum (Przyborowski and Wilenski 1940), which is on the safe side for shares.
"""

from collections.abc import Collection, Mapping

from pydantic import BaseModel, ConfigDict, Field

from html_classification.schemas.described import Check

SHARE_LABELLED = "share_labelled"
CATEGORIES_KNOWN = "categories_known"
CATEGORY_DRIFT = "category_drift"
AGREEMENT = "agreement"

#: The checks of `annotated`, by name.
ANNOTATED_CHECKS: Mapping[str, str] = {
    SHARE_LABELLED: "Enough of the day's pages have a label.",
    CATEGORIES_KNOWN: (
        "Every category of the day is one of HTML_CLASSIFICATION_CATEGORIES, or, without that, one that the days "
        "before in the window had; too few labels before pass."
    ),
    CATEGORY_DRIFT: (
        "No category vanished or exploded against the days before in the window: its share is not several times as "
        "large or as small, by more than chance explains."
    ),
}
#: The checks of `annotators`, by name.
ANNOTATORS_CHECKS: Mapping[str, str] = {
    AGREEMENT: (
        "Annotators agree on the day's new texts as they did on those of the days before in the window: "
        "Krippendorff's alpha has not fallen by more than chance explains; too few shared texts pass."
    ),
}

_NAMED = 10


class LabelThresholds(BaseModel):
    """How large a change is worth a warning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share_labelled: float = Field(0.5, ge=0, le=1, description="Least share of a day's pages that have a label.")
    labels_before: int = Field(
        200, ge=1, description="Labelled pages that the days before need so that a category can be new."
    )
    drift_ratio: float = Field(
        3.0, gt=1, description="A category changed where its share is more than so many times as large or as small, …"
    )
    drift_chance: float = Field(
        0.01,
        gt=0,
        lt=1,
        description="… and chance alone changes any category so much on fewer than this share of days.",
    )
    agreement_fall: float = Field(0.1, ge=0, le=2, description="Agreement fell where alpha is lower by more, …")
    agreement_chance: float = Field(
        0.01,
        gt=0,
        lt=1,
        description="… and chance alone gives so many disputed texts on fewer than this share of days.",
    )
    shared_texts: int = Field(
        20, ge=1, description="Texts with several answers that both sides need so that agreement is compared."
    )


def share_labelled(pages: int, labelled: int, thresholds: LabelThresholds) -> Check:
    """Whether enough pages have a label; a day without pages has."""
    share = round(labelled / pages, 4) if pages else 1.0
    figures = {"pages": pages, "labelled": labelled, "share": share, "at_least": thresholds.share_labelled}
    return Check(name=SHARE_LABELLED, passed=share >= thresholds.share_labelled, figures=figures, blocking=False)


def categories_known(
    today: Collection[str], before: Mapping[str, int], listed: Collection[str] | None, thresholds: LabelThresholds
) -> Check:
    """Whether all categories are known.

    Args:
        today: The categories of the day.
        before: Pages of the days before, by category.
        listed: The categories that there are; None or none where nobody said.
        thresholds: Without a list, how many pages the days before must have.
    """
    rows = sum(before.values())
    comparable = bool(listed) or rows >= thresholds.labels_before
    unknown = sorted(set(today) - set(listed or before)) if comparable else []
    figures = {"categories": len(set(today)), "unknown": _listing(unknown), "compared_with": "list"}
    if not listed:
        figures |= {"compared_with": "days before" if comparable else "too few labels before", "rows_before": rows}
    return Check(name=CATEGORIES_KNOWN, passed=not unknown, figures=figures, blocking=False)


def category_drift(today: Mapping[str, int], before: Mapping[str, int], thresholds: LabelThresholds) -> Check:
    """Whether no category vanished or exploded.

    Args:
        today: Pages of the day, by category.
        before: Those of the days before.
        thresholds: How large and how unlikely a change must be. The chance is shared among all categories.
    """
    rows, rows_before = sum(today.values()), sum(before.values())
    categories = sorted({*today, *before})
    found: dict[str, list[str]] = {"vanished": [], "exploded": []}
    if rows and rows_before:
        chance = thresholds.drift_chance / len(categories) / 2  # a category can change in two ways
        for category in categories:
            now, then = today.get(category, 0), before.get(category, 0)
            share, share_before = now / rows, then / rows_before
            words = f"{category} ({share_before:.1%} before, {share:.1%} now)"
            if share * thresholds.drift_ratio < share_before and few(now, rows, then, rows_before) < chance:
                found["vanished"].append(words)
            if share > share_before * thresholds.drift_ratio and many(now, rows, then, rows_before) < chance:
                found["exploded"].append(words)
    figures = {"rows": rows, "rows_before": rows_before} | {name: _listing(words) for name, words in found.items()}
    return Check(name=CATEGORY_DRIFT, passed=not any(found.values()), figures=figures, blocking=False)


def agreement(
    alphas: tuple[float | None, float | None],
    shared: tuple[int, int],
    disputed: tuple[int, int],
    thresholds: LabelThresholds,
) -> Check:
    """Whether annotators agree as they did before.

    Args:
        alphas: Krippendorff's alpha of the day's new texts, and of those of the days before; None where undefined.
        shared: How many of these have several answers.
        disputed: How many of those have answers that differ.
        thresholds: How large and how unlikely a fall must be.
    """
    now, then = alphas
    figures: dict[str, int | float | str] = {
        "shared": shared[0],
        "shared_before": shared[1],
        "disputed": disputed[0],
        "disputed_before": disputed[1],
    }
    figures |= {name: value for name, value in (("alpha", now), ("alpha_before", then)) if value is not None}
    if now is None or then is None or min(shared) < thresholds.shared_texts:
        figures["compared"] = "too few shared texts"
        return Check(name=AGREEMENT, passed=True, figures=figures, blocking=False)
    chance = many(disputed[0], shared[0], disputed[1], shared[1])
    fell = then - now > thresholds.agreement_fall and chance < thresholds.agreement_chance
    figures["compared"] = "fell" if fell else "as before"
    return Check(name=AGREEMENT, passed=not fell, figures=figures, blocking=False)


def few(count: int, total: int, count_before: int, total_before: int) -> float:
    """How likely chance gives so few, or fewer, if the rate is that of before.

    >>> few(0, 100, 290, 2900) < 0.001 < few(5, 100, 290, 2900)
    True
    """
    from scipy.special import bdtr

    return float(bdtr(count, count + count_before, total / (total + total_before)))


def many(count: int, total: int, count_before: int, total_before: int) -> float:
    """How likely chance gives so many, or more, if the rate is that of before.

    >>> many(30, 100, 290, 2900) < 0.001 < many(15, 100, 290, 2900)
    True
    """
    from scipy.special import bdtrc

    return float(bdtrc(count - 1, count + count_before, total / (total + total_before))) if count else 1.0


def _listing(words: list[str]) -> str:
    """The first of them in one line."""
    more = [f"and {len(words) - _NAMED} more"] if len(words) > _NAMED else []
    return "; ".join([*words[:_NAMED], *more])
