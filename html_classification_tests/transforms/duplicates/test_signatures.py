"""What a user relies on: signatures stand for texts, are the same everywhere, and estimate similarity."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.transforms.duplicates import SIGNATURE, empty_signature, signatures
from html_classification.transforms.duplicates.signatures import PERMUTATIONS
from html_classification_tests.transforms.duplicates import planted

GOLDEN = [3258097438, 3235232597, 3257742086, 3479776898]


def test_the_schema_says_how_signatures_are_made() -> None:
    described = {column.name: column.description for column in HTML_PARSING.columns}
    assert SIGNATURE in described["minhash"]


def test_signatures_ignore_case_and_punctuation() -> None:
    one, two, other, short, empty, missing = signatures(
        pl.Series(
            [
                "Boil the water, then add salt!",
                "boil THE water then add-salt",
                "a b c d e f",
                "two words",
                "?!",
                None,
            ]
        )
    )
    assert one.to_list() == two.to_list() != other.to_list()
    assert len(short) == PERMUTATIONS
    assert empty.to_list() == missing.to_list() == empty_signature()
    assert signatures(pl.Series([], dtype=pl.String)).dtype == pl.List(pl.UInt32)


def test_signatures_stay_the_same() -> None:
    # They are stored, and compared over days: another version of rensa must not slip in unseen.
    assert signatures(pl.Series(["the quick brown fox jumps over the lazy dog"]))[0].to_list()[:4] == GOLDEN


@given(st.lists(st.text(max_size=40), min_size=1, max_size=10))
def test_a_signature_does_not_depend_on_the_other_texts(texts: list[str]) -> None:
    together = signatures(pl.Series(texts))
    assert together.to_list() == [signatures(pl.Series([text]))[0].to_list() for text in texts]


def test_many_and_long_texts_are_done_in_several_batches() -> None:
    texts = [f"{'word ' * 3_000}{number} some words that follow it" for number in range(200)] + ["short"] * 3_000
    together = signatures(pl.Series(texts))
    assert len(together) == len(texts)
    for number in (0, 69, 70, 199, 200, 3_199):
        assert together[number].to_list() == signatures(pl.Series([texts[number]]))[0].to_list()


@pytest.mark.parametrize("words", [8, 30, 100, 1_000])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_the_share_of_equal_values_is_the_similarity(words: int, share: float) -> None:
    estimated, true = [], []
    for seed in range(30):
        stream = [f"w{seed}x{number}" for number in range(2 * words)]
        one, two = (" ".join(stream[start : start + words]) for start in (0, round(words * (1 - share))))
        true.append(planted.similarities([one, two]).get((0, 1), 0.0))
        values = signatures(pl.Series([one, two])).to_list()
        estimated.append(sum(a == b for a, b in zip(*values, strict=True)) / PERMUTATIONS)
    assert sum(estimated) / 30 == pytest.approx(true[0], abs=0.03)  # 30 of standard deviation 0.047 at most
