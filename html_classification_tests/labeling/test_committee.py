"""A committee of models: what it says where it is sure, where it is not, and where there are no words."""

import numpy as np
import pytest

from html_classification.labeling.committee import MEMBERS, TOPICS, Opinions, opinions, terms_of
from html_classification.training.topics import topics
from html_classification_tests.training.corpus import invented_pages


@pytest.fixture(scope="module")
def said() -> Opinions:
    pages = invented_pages(90)
    texts = [*pages["text"], "onion oven butter recipe flour garlic", "goal hotel match flight coach beach", "zzz"]
    matrix = terms_of(texts)
    return opinions([matrix, matrix], pages["category"].to_list(), MEMBERS)


def test_each_text_version_with_each_algorithm_is_a_member(said: Opinions) -> None:
    assert said.members == 2 * len(MEMBERS)
    assert said.categories == ["cooking", "sports", "travel"]
    assert said.probabilities.sum(axis=1) == pytest.approx(1.0)
    assert said.votes.sum(axis=1).tolist() == [said.members] * 3


def test_it_is_surer_of_a_page_of_one_category_than_of_a_page_of_two(said: Opinions) -> None:
    clear, mixed, wordless = said.uncertainty
    assert clear < mixed
    assert clear < wordless <= 1.0
    assert said.categories[said.probabilities[0].argmax()] == "cooking"


def test_disagreement_is_none_where_all_say_the_same_and_full_where_all_differ() -> None:
    votes = np.array([[4.0, 0, 0, 0], [2, 2, 0, 0], [1, 1, 1, 1]])
    assert Opinions(list("abcd"), votes / 4, votes, 4).disagreement == pytest.approx([0.0, 0.5, 1.0])
    assert Opinions(["a", "b"], np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]]), 1).disagreement.tolist() == [0.0]


@pytest.mark.parametrize("texts", [["-", "."], ["bread"], ["bread and soup", "-"]], ids=["no words", "one", "some"])
def test_topics_are_unit_vectors_or_nothing(texts: list[str]) -> None:
    lengths = np.linalg.norm(topics(terms_of(texts), TOPICS, seed=0), axis=1)
    assert lengths == pytest.approx([float(any(letter.isalpha() for letter in text)) for text in texts])


def test_many_terms_become_few_topics_that_tell_categories_apart() -> None:
    pages = invented_pages(90)
    matrix = terms_of([f"{text} {number} {number * number}" for number, text in enumerate(pages["text"])])
    vectors = topics(matrix, TOPICS, seed=0)
    assert vectors.shape[0] == 90
    assert vectors.shape[1] <= 50
    same = (pages["category"].to_numpy()[:, None] == pages["category"].to_numpy()[None, :]) & ~np.eye(90, dtype=bool)
    likeness = vectors @ vectors.T
    assert likeness[same].mean() > likeness[~same & ~np.eye(90, dtype=bool)].mean() + 0.1
