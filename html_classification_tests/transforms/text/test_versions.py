"""The text versions: what they promise, and how they are declared."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.transforms.text.normalization import normalize_page
from html_classification.transforms.text.rules import fold_white_space, lowercase
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION, TEXT_VERSIONS, TextVersion


def test_v1_and_v2_are_what_was_asked_for():
    assert TEXT_VERSIONS["v1"].describe() == [
        "remove punctuation",
        "remove special characters",
        "lowercase",
        "fold white space",
    ]
    assert TEXT_VERSIONS["v2"].describe() == [
        "remove special characters",
        "lemmatize verbs",
        "lowercase",
        "fold white space",
    ]
    assert DEFAULT_TEXT_VERSION in TEXT_VERSIONS


@pytest.mark.parametrize(
    ("version", "language", "expected"),
    [
        ("v1", "en", "she went home don t worry 50 off at acme"),
        ("v2", "en", "she go home! don't worry: 50 % off at acme ."),
        ("v2", "und", "she went home! don't worry: 50 % off at acme ."),
    ],
)
def test_documented_results(version, language, expected):
    text = "She went home!\n\nDon't worry: 50 % off at Acme™ 😀."
    assert normalize_page(text, text, language, TEXT_VERSIONS[version]) == (expected, expected)


@pytest.mark.parametrize("version", TEXT_VERSIONS.values(), ids=lambda version: version.name)
def test_steps_are_the_rules_as_json(version):
    assert [step["step"] for step in version.steps] == version.describe()
    assert json.loads(json.dumps(version.steps)) == version.steps
    assert TEXT_VERSIONS[version.name] is version


@given(text=st.text())
@settings(deadline=None)
def test_v1_twice_is_the_same_as_once(text):
    once = normalize_page(text, text, "en", TEXT_VERSIONS["v1"])
    assert normalize_page(*once, "en", TEXT_VERSIONS["v1"]) == once


@pytest.mark.parametrize("rules", [(), (lowercase(),)])
def test_a_version_ends_with_folding_white_space(rules):
    with pytest.raises(ValueError, match="text version v9: the last rule must be `fold white space`"):
        TextVersion("v9", rules)


@pytest.mark.parametrize("name", ["", "V3", "3", "v-3", "v_3", "../v3", "v3\n"])
def test_a_version_has_a_name_that_stages_and_models_can_carry(name):
    with pytest.raises(ValueError, match="name it by a lower-case letter"):
        TextVersion(name, (fold_white_space(),))
