"""The terms on which labels are bought: addresses that would give something away, keys that are none."""

import pytest

from html_classification.labeling.terms import KEY_VARIABLE, api_address, api_key
from html_classification.settings import SettingsError


def test_the_host_alone_is_enough_of_an_address() -> None:
    full = "https://labels.example/api/v1/document-categorization"
    assert [api_address(one) for one in ("https://labels.example", "https://labels.example/", full)] == [full] * 3
    assert api_address("http://127.0.0.1:8080") == "http://127.0.0.1:8080/api/v1/document-categorization"
    assert api_address("data/labels.jsonl") is None
    assert api_address("s3://bucket/labels.jsonl") is None


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("https://", "such as https://labels.example"),
        ("https://labels.example:port", "such as https://labels.example"),
        ("https://[::1", "such as https://labels.example"),
        ("https://user:sesame@labels.example", KEY_VARIABLE),
        ("https://labels.example/?key=sesame", KEY_VARIABLE),
        ("https://labels.example/#sesame", KEY_VARIABLE),
        ("http://labels.example/sesame", "https://"),
    ],
)
def test_an_address_that_gives_a_secret_away_is_refused_and_not_repeated(address: str, advice: str) -> None:
    with pytest.raises(SettingsError, match="HTML_CLASSIFICATION_LABELS") as caught:
        api_address(address)
    assert advice in str(caught.value)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "   ", "open sesame", "sésame", "sesame\nX-Other: 1"])
def test_a_key_that_can_be_none_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(SettingsError, match=KEY_VARIABLE) as caught:
        api_key()
    assert "sesame" not in str(caught.value)


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, " sesame ")
    assert api_key().get_secret_value() == "sesame"
    assert "sesame" not in f"{api_key()!r} {api_key()}"
