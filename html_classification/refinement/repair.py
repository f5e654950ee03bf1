"""What is done with each row of the training set: kept, relabelled, dropped, or put before a person.

Belongs here: the rules, from findings to one action a row. Does not belong here: the evidence (`label_errors`,
`outliers`, `duplicates`, `texts`, `ambiguity`), and the order in which people look (`review`).
"""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.labeling.answers import by_machine
from html_classification.schemas.post_train import ACTIONS, ISSUES

#: What a reason of a row that a person labelled ends with.
DECIDED = "a person gave this label, to the page or to a copy of it: it stays"

Dropping = Literal["dropped", "review", "kept"]
Relabelling = Literal["relabelled", "review", "kept"]
Asking = Literal["review", "kept"]


class RepairRules(BaseModel):
    """What follows from evidence. The defaults act where it is beyond doubt, and else put the row before a person.

    What a person decided is kept, whatever the evidence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    empty_text: Dropping = Field("dropped", description="A text without a word.")
    broken_text: Dropping = Field("dropped", description="A text that is broken beyond doubt.")
    off_topic: Dropping = Field("dropped", description="A page that is off-topic beyond doubt.")
    conflicting_duplicates: Relabelling = Field(
        "relabelled", description="A label that near duplicates contradict, most of them or one that a person labelled."
    )
    label_error: Relabelling = Field("relabelled", description="A label that is wrong beyond doubt.")
    doubtful: Asking = Field("review", description="Any of these where the evidence is not beyond doubt.")
    ambiguous: Asking = Field("kept", description="A page between two categories, of which the label is one.")
    most_changed: float = Field(
        0.25,
        ge=0,
        le=1,
        description="If more than this share of the rows would be relabelled or dropped, something else is wrong: then "
        "none is, and all of them are put before a person.",
    )


def repair(rows: pl.DataFrame, found: pl.DataFrame, rules: RepairRules | None = None) -> pl.DataFrame:
    """Decide on each row.

    Of several findings the one that leads farthest counts: a row is dropped rather than relabelled, and relabelled
    rather than put before a person. But a person decides where two suggest different categories, unless a person has
    given one of them to a copy; where copies would get different categories; and about labels of test rows.

    Args:
        rows: `url`, `category`, `label_source`, `split`, `duplicate_cluster`.
        found: Rows of `findings.FINDINGS`.
        rules: What follows from evidence; without them the defaults.

    Returns:
        A row for each of `rows`, sorted by url: `url`, `action`, `issues`, `reasons`, `repaired`: the category after
        repair; `suggested`: the category that the strongest evidence suggests, null where none does; and `held`:
        whether it would have been changed, had it not been too many.
    """
    rules = rules or RepairRules()
    actions = pl.DataFrame(
        [
            (number, issue, strong, _action(issue, rules, strong=strong))
            for strong in (True, False)
            for number, issue in enumerate(ISSUES)
        ],
        schema=["order", "issue", "strong", "action"],
        orient="row",
    )
    no_category = (pl.col("action") == "relabelled") & pl.col("suggested").is_null()
    judged = (
        found.join(rows.select("url"), on="url", how="semi")
        .join(actions, on=["issue", "strong"], how="left")
        .with_columns(action=pl.when(no_category).then(pl.lit(rules.doubtful)).otherwise("action"))
        .sort("url", "order")
    )
    suggestion = pl.col("suggested").sort_by("strong", descending=True, maintain_order=True).drop_nulls()
    relabelling = pl.col("suggested").filter(pl.col("action") == "relabelled")
    by_row = judged.group_by("url", maintain_order=True).agg(
        pl.col("issue").alias("issues"),
        pl.col("reason").alias("reasons"),
        suggestion.first().alias("suggested"),
        relabelling.unique(maintain_order=True).alias("new_categories"),
        *((pl.col("action") == name).any().alias(name) for name in ACTIONS),
    )
    rows_known = rows.select("url", "category", "split", "duplicate_cluster", **_said_by_people())
    known = rows_known.join(by_row, on="url", how="left", maintain_order="left").sort("url")
    no_list = pl.lit([], dtype=pl.List(pl.String))
    by_person = pl.when(pl.col("decided") & pl.col("issues").is_not_null()).then([DECIDED]).otherwise(no_list)
    told = pl.col("person_category").is_in(pl.col("new_categories")).fill_null(value=False)
    several = pl.col("new_categories").list.len() > 1
    acted = known.with_columns(
        told=told,
        action=pl.when(pl.col("decided") | pl.col("issues").is_null())
        .then(pl.lit("kept"))
        .when("dropped")
        .then(pl.lit("dropped"))
        .when(told | (pl.col("new_categories").list.len() == 1))
        .then(pl.lit("relabelled"))
        .when(pl.col("review") | several)
        .then(pl.lit("review"))
        .otherwise(pl.lit("kept")),
        new_category=pl.when(told).then("person_category").otherwise(pl.col("new_categories").list.first()),
        issues=pl.col("issues").fill_null(no_list),
        reasons=pl.col("reasons").fill_null(no_list).list.concat(by_person),
    )
    return _within_bounds(_for_people(acted, rules), rules)


def _said_by_people() -> dict[str, pl.Expr]:
    """Whether a person gave the label, to the page or to a copy; and what the one category is that people gave copies.

    What a person said of a page is said of its copies: they are not asked about.
    """
    decided = ~by_machine("label_source")
    of_people = pl.col("category").filter(decided)
    return {
        "decided": decided.any().over("duplicate_cluster", "category"),
        "person_category": pl.when(of_people.n_unique().over("duplicate_cluster") == 1).then(
            of_people.first().over("duplicate_cluster")
        ),
    }


def _for_people(acted: pl.DataFrame, rules: RepairRules) -> pl.DataFrame:
    """Take back what the machine should not do by itself.

    - Test rows are not relabelled: what models are measured by is for people to change.
    - Copies are not relabelled into several categories, or into each other's: one of them would be wrong again.
    """
    relabelled = pl.col("action") == "relabelled"
    then = pl.when(relabelled).then("new_category").otherwise("category")
    there = pl.col("action") != "dropped"
    torn = (then.filter(there).n_unique().over("duplicate_cluster") > 1) & ~pl.col("told")
    back = relabelled & (torn | (pl.col("split") == "test"))
    return acted.with_columns(action=pl.when(back).then(pl.lit(rules.doubtful)).otherwise("action"))


def _action(issue: str, rules: RepairRules, *, strong: bool) -> str:
    if issue == "ambiguous" or strong:
        return str(getattr(rules, issue))
    return rules.doubtful


def _within_bounds(decided: pl.DataFrame, rules: RepairRules) -> pl.DataFrame:
    """Where too much of a side of the split would be changed, nothing of it is."""
    changes = pl.col("action").is_in(["relabelled", "dropped"])
    share = changes.mean().over("split")
    held = changes & (share > rules.most_changed)
    why = pl.format(
        "{} % of the rows would be changed, which is more than {}: nothing is, a person should look",
        (100 * share).round(0).cast(pl.Int64),
        pl.lit(f"{100 * rules.most_changed:g}"),
    )
    said = pl.when(held).then(pl.concat_list(why)).otherwise(pl.lit([], dtype=pl.List(pl.String)))
    return decided.with_columns(
        held=held,
        reasons=pl.col("reasons").list.concat(said),
        action=pl.when(held).then(pl.lit("review")).otherwise("action"),
    ).select(
        "url",
        "action",
        "issues",
        "reasons",
        pl.when(pl.col("action") == "relabelled").then("new_category").otherwise("category").alias("repaired"),
        "suggested",
        "held",
    )
