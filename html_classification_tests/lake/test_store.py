"""The store, on a folder and on a real S3 server."""

from pathlib import Path

import polars as pl
import pytest

from html_classification.lake.errors import StoreError
from html_classification.lake.store import Store
from html_classification.lake.writing import to_parquet


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Store(str(tmp_path / "lake"))
    return Store(request.getfixturevalue("bucket") + "/some/prefix")


def test_what_is_put_is_read_and_listed(store: Store) -> None:
    assert store.list() == []
    assert store.find("raw/a.json") is None
    assert store.put_new("raw/a.json", b"one")
    assert store.put_new("raw/deep/er/b.json", b"three")
    assert store.put_new("rawest/c.json", b"")
    assert store.get("raw/a.json") == b"one"
    assert [(item.path, item.bytes) for item in store.list("raw")] == [("raw/a.json", 3), ("raw/deep/er/b.json", 5)]
    assert [item.path for item in store.list()] == ["raw/a.json", "raw/deep/er/b.json", "rawest/c.json"]


def test_nothing_is_overwritten(store: Store) -> None:
    assert store.put_new("a", b"first")
    assert not store.put_new("a", b"second")
    assert store.get("a") == b"first"


def test_polars_reads_what_is_stored(store: Store) -> None:
    frame = pl.DataFrame({"url": ["https://a.example/"], "n": [1]})
    assert store.write_new("stage/x.parquet", lambda file: to_parquet(frame, file)).new
    scanned = pl.scan_parquet(store.uri("stage/x.parquet"), storage_options=store.storage_options)
    assert scanned.filter(pl.col("n") == 1).collect().equals(frame)


def test_what_is_missing_is_said_in_one_line(store: Store) -> None:
    store.put_new("a", b"first")
    with pytest.raises(StoreError, match=r"cannot read .*nowhere") as caught:
        store.get("nowhere")
    assert "\n" not in str(caught.value)


def test_a_missing_bucket_is_said_in_one_line(bucket: str) -> None:
    with pytest.raises(StoreError, match="check the bucket") as caught:
        Store("s3://no-such-bucket-here/lake").list()
    assert "\n" not in str(caught.value)


def test_wrong_credentials_are_said_without_the_secret(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-at-all")
    with pytest.raises(StoreError, match=r"the credentials are refused \(403 SignatureDoesNotMatch\)") as caught:
        Store(bucket).put_new("a", b"")
    assert "not-the-secret" not in str(caught.value)


def test_other_stores_are_refused() -> None:
    with pytest.raises(StoreError, match="give a folder or an s3:// URI"):
        Store("gs://bucket/lake")
