"""What models read of a page."""

import numpy as np
import polars as pl
import pytest

from html_classification.training.algorithms import ALGORITHMS, PageStructureParameters, Parameters
from html_classification.training.features import FIELDS, address_field, field_matrix, term_groups
from html_classification.training.fitting import fit
from html_classification_tests.training.corpus import invented_pages


def test_a_matrix_has_a_column_of_lower_case_strings_for_each_field() -> None:
    pages = invented_pages(5).with_columns(text=pl.lit("ÄRGER in ΑΘΉΝΑ"))
    matrix = field_matrix(pages)
    assert matrix.shape == (5, len(FIELDS))
    assert matrix.dtype == object
    assert set(matrix[:, FIELDS.index("text")]) == {"ärger in αθήνα"}
    assert field_matrix(pages.head(0)).shape == (0, len(FIELDS))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://a.example/", ""),
        ("https://a.example", ""),
        ("https://a.example/2026/03/soup?page=2", "0000/00/soup?page=0"),
        ("http://user@a.example:8080/x//y", "x//y"),
        ("https://a.example?q=https://b.example/z", "?q=https://b.example/z"),
    ],
)
def test_an_address_does_not_tell_sites_apart(url: str, address: str) -> None:
    assert pl.select(url=pl.lit(url)).select(address_field()).item() == address


def test_groups_are_what_the_parameters_ask_for() -> None:
    def names(parameters: Parameters) -> list[str]:
        return [group.name for group in term_groups(parameters)]

    assert names(Parameters()) == ["words"]
    assert names(PageStructureParameters()) == ["words", "markup", "address"]
    assert names(PageStructureParameters(markup_terms=0, address_characters=0)) == ["words"]


def test_weights_of_groups_are_those_of_the_fitted_pipeline() -> None:
    pages = invented_pages(60)
    heavy = fit(pages, ALGORITHMS["page-structure"], PageStructureParameters(markup_weight=3.0))
    features = heavy.pipeline["features"].transform(field_matrix(pages))
    markup = features[:, heavy.pipeline["features"].output_indices_["markup"]]
    assert np.asarray(markup.multiply(markup).sum(axis=1)).ravel() == pytest.approx(np.full(60, 9.0))


def test_only_terms_of_training_rows_count() -> None:
    pages = invented_pages(60)
    classifier = fit(pages.filter(pl.col("category") != "travel"), ALGORITHMS["page-structure"])
    assert "onion" in classifier.pipeline["features"].named_transformers_["words"]["terms"].vocabulary
    assert "luggage" not in classifier.pipeline["features"].named_transformers_["words"]["terms"].vocabulary
