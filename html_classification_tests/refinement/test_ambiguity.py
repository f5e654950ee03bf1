import polars as pl

from html_classification.refinement.ambiguity import AmbiguityRules, ambiguous
from html_classification.refinement.findings import FINDINGS
from html_classification.schemas.training import PREDICTIONS


def predictions(*rows: tuple[str, dict[str, float]]) -> pl.DataFrame:
    """Given category and probabilities; /0, /1, …."""
    return pl.DataFrame(
        {
            "url": [f"https://a.example/{index}" for index in range(len(rows))],
            "category": [given for given, _ in rows],
            "predicted": [max(said, key=said.__getitem__) for _, said in rows],
            "confidence": [max(said.values()) for _, said in rows],
            "probabilities": [[{"category": c, "probability": p} for c, p in said.items()] for _, said in rows],
        },
        schema=dict(PREDICTIONS.dtypes),
    )


def test_a_document_between_its_category_and_another_is_ambiguous():
    said = {"article": 0.39, "forum": 0.41, "product": 0.2}
    found = ambiguous(predictions(("forum", said), ("article", said), ("product", said)))
    assert found.rows() == [
        (f"https://a.example/{index}", "ambiguous", False, None, "between forum .41 and article .39")
        for index in (0, 1)
    ]


def test_how_close_and_how_much_together_is_set_by_rules():
    frame = predictions(("a", {"a": 0.45, "b": 0.4, "c": 0.15}), ("a", {"a": 0.2, "b": 0.2, "c": 0.2, "d": 0.4}))
    assert ambiguous(frame)["url"].to_list() == ["https://a.example/0"]
    assert ambiguous(frame, AmbiguityRules(margin=0.04)).is_empty()
    # By probability, then by name: d and a.
    assert ambiguous(frame, AmbiguityRules(margin=0.2, together=0.5)).height == 2
    sure = predictions(("a", {"a": 1.0, "b": 0.0}))
    assert ambiguous(sure).is_empty()
    assert ambiguous(sure, AmbiguityRules(margin=1.0))["reason"].to_list() == ["between a 1.00 and b .00"]


def test_one_category_or_no_rows():
    assert ambiguous(predictions(("a", {"a": 1.0}))).is_empty()
    assert dict(ambiguous(PREDICTIONS.empty()).schema) == FINDINGS
