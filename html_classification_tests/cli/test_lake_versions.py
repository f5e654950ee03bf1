"""`lake diff`, `history`, `rollback`, `snapshot`, `ls` and `show` as their users have them.

The program runs in this process, from its arguments to its exit status: the real one takes a second to start.
"""

import json
import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import obstore
import polars as pl
import pytest

from html_classification.lake import BuildError, Lake
from html_classification.schemas.columns import Stage, StageModel, column
from html_classification.schemas.training import LEADERBOARD
from html_classification_tests.cli.command import PROGRAM, LakeCommand, in_process
from html_classification_tests.lake.builds import DAY, PAGES, pages, put

ODD = ["../x", "../../x", "/etc", "x\x1b[31my", "a\nb", "x" * 5000, "", " ", "ra\udcffw"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def call(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> LakeCommand:
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", lake.uri)
    monkeypatch.chdir(tmp_path)
    return in_process("lake", monkeypatch, capsys)


def two(lake: Lake) -> tuple[str, str]:
    """Two versions of a day: a page changed, one came, one went."""
    first = put(lake, pages(a="1", b="2", c="3"), rules=["lowercase"])
    second = put(lake, pages(a="1", b="two", d="4"), rules=["lemmas"])
    return first.metadata.version, second.metadata.version


def test_diff_tells_what_differs_and_why(lake: Lake, call: LakeCommand) -> None:
    one, other = two(lake)
    told = call("diff", PAGES, str(DAY))
    assert (told.code, told.err) == (0, "")
    assert told.lines[0] == f"{PAGES} {DAY}"
    assert told.lines[1].startswith(f"  A {one} built ")
    assert told.lines[2].startswith(f"  B {other} built ")
    assert '  parameters.rules: ["lowercase"] → ["lemmas"]' in told.lines
    assert "rows: 1 added, 1 removed, 1 changed, 1 the same" in told.lines
    assert "  + https://a.example/d" in told.lines
    assert "  - https://a.example/c" in told.lines
    assert "  ~ https://a.example/b: html" in told.lines
    assert "  html changed in 1" in told.lines
    assert "two" not in told.out  # HTML may be personal
    # The names of assets do too, and versions by their first digits.
    assert call("diff", "preprocess/url_normalization", str(DAY), one[:5], other[:5]).out == told.out
    assert (
        "no row and no column differs: it is the same version"
        in call("diff", PAGES, str(DAY), "current", "current").lines
    )


def test_diff_prints_one_object(lake: Lake, call: LakeCommand) -> None:
    one, other = two(lake)
    told = json.loads(call("diff", PAGES, str(DAY), "--json").out)
    assert list(told) == [
        *("stage", "date", "a", "b", "rows", "added", "removed", "changed", "columns", "statistics", "recipe"),
        *("sources", "environment"),
    ]
    assert (told["stage"], told["date"]) == (PAGES, str(DAY))
    assert (told["a"]["version"], told["b"]["version"]) == (one, other)
    assert told["rows"] == {"added": 1, "removed": 1, "changed": 1, "unchanged": 1}
    assert told["added"] == [{"url": "https://a.example/d", "nth": 1}]
    assert told["removed"] == [{"url": "https://a.example/c", "nth": 1}]
    assert told["changed"] == [{"url": "https://a.example/b", "nth": 1, "columns": ["html"]}]
    assert told["columns"]["changed"] == [{"name": "html", "rows": 1, "examples": []}]
    assert told["recipe"] == [{"name": "parameters.rules", "a": ["lowercase"], "b": ["lemmas"]}]


def test_diff_prints_so_many_rows_of_each_kind(lake: Lake, call: LakeCommand) -> None:
    names = [f"n{number}" for number in range(30)]
    put(lake, pages(a="1"))
    put(lake, pages(**dict.fromkeys(names, "1")))
    for limit, count in [((), 20), (("--limit", "3"), 3), (("--limit", "0"), 0), (("--limit", "100"), 30)]:
        lines = call("diff", PAGES, str(DAY), *limit).lines
        assert len([line for line in lines if line.startswith("  + https")]) == count
        assert any(line.startswith(f"  + … and {30 - count} more") for line in lines) == (count < 30)
    assert len(json.loads(call("diff", PAGES, str(DAY), "--json").out)["added"]) == 30
    assert len(json.loads(call("diff", PAGES, str(DAY), "--json", "--limit", "3").out)["added"]) == 3


def test_what_a_page_is_called_has_no_effect_on_a_terminal(lake: Lake, call: LakeCommand) -> None:
    url = "https://a.example/[red]:smile:\x1b[2J\u202e"
    put(lake, pages(a="1"))
    put(lake, pages(a="1").with_columns(url=pl.lit(url)))
    told = call("diff", PAGES, str(DAY))
    assert r"  + https://a.example/[red]:smile:\x1b[2J\u202e" in told.lines
    assert json.loads(call("diff", PAGES, str(DAY), "--json").out)["added"][0]["url"] == url


def leaders(rank: int) -> pl.DataFrame:
    values = {"model": "m", "version": "0123456789ab", "labels": "given", "text_version": "v1", "algorithm": "nb"}
    values |= {"snapshot": "training-set", "against_best": "best", "refinement": "nothing to compare"}
    figures = {"train_rows": 1, "test_rows": 1, "accuracy": 0.5, "macro_f1": 0.5, "rank": rank}
    figures |= dict.fromkeys(("log_loss", "calibration_error", "behind", "behind_low", "behind_high", "p_value"), 0.5)
    trusted = {"trusted_rows": 1, "trusted_accuracy": 0.5, "trusted_macro_f1": 0.5, "may_be_promoted": True}
    return pl.DataFrame([values | figures | trusted], schema=dict(LEADERBOARD.dtypes))


def test_rows_without_a_url_are_told_by_their_values(lake: Lake, call: LakeCommand) -> None:
    for rank in (1, 2):
        put(lake, leaders(rank), stage=LEADERBOARD)
    lines = call("diff", "leaderboard", str(DAY)).lines
    assert [line for line in lines if line.startswith("  + ") and '"rank": 2' in line]
    assert [line for line in lines if line.startswith("  - ") and '"rank": 1' in line]
    assert "rows: 1 added, 1 removed, 0 changed, 0 the same" in lines


def test_columns_and_examples_are_told(lake: Lake, call: LakeCommand) -> None:
    put(lake, pl.DataFrame({"url": ["u"], "rank": [1], "gone": [1]}), stage=as_stage(url=str, rank=int, gone=int))
    put(lake, pl.DataFrame({"url": ["u"], "rank": [2], "new": [1]}), stage=as_stage(url=str, rank=int, new=int))
    lines = call("diff", "leaderboard", str(DAY)).lines
    assert "  + new (Int64)" in lines
    assert "  - gone (Int64)" in lines
    assert "  rank changed in 1" in lines
    assert "    u: 1 → 2" in lines
    put(lake, pl.DataFrame({"url": [1]}), stage=as_stage(url=int))  # nothing to match rows by
    lines = call("diff", "leaderboard", str(DAY)).lines
    assert "  ~ url: String → Int64" in lines
    assert "rows: 1 added, 1 removed, 0 changed, 0 the same" in lines


def as_stage(**columns: type) -> Stage:
    """A stage of some columns."""
    declared = {name: column(name, name) for name in columns}
    return replace(LEADERBOARD, model=type("Columns", (StageModel,), {"__annotations__": columns, **declared}))


def test_ls_says_what_was_removed_since(lake: Lake, call: LakeCommand) -> None:
    gone = put(lake, pages(a="1"))
    at = lake.history(PAGES, DAY)[-1].time.isoformat()
    put(lake, pages(a="2"))
    lake.store.put_new(f"{gone.path}/removed.json", b'{"removed_at": "2026-04-01T00:00:00Z"}')
    lake.store.delete([f"{gone.path}/{name}" for name in ["metadata.json", *(f.path for f in gone.metadata.files)]])
    assert "gone" in call("ls", "--as-of", at).lines[1]
    assert call("ls", "--as-of", at, "--summary").lines[1].split()[-1] == "0"
    assert ls(call, "--as-of", at)[0]["rows"] is None
    assert "was removed by garbage collection" in call("show", PAGES, str(DAY), "--as-of", at).error
    assert "was removed by garbage collection" in call("rollback", PAGES, str(DAY)).error


def test_history_tells_every_publication(lake: Lake, call: LakeCommand) -> None:
    one, other = two(lake)
    call("rollback", PAGES, str(DAY), "--reason", "cut [bold]\x1b[31m\udcff")
    rows = json.loads(call("history", PAGES, str(DAY), "--json").out)
    assert [tuple(row) for row in rows] == [("time", "version", "run", "reason")] * 3
    assert [(row["version"], row["run"], row["reason"]) for row in rows] == [
        (one, "run-1", "built"),
        (other, "run-1", "built"),
        (one, None, r"rollback: cut [bold]\x1b[31m\udcff"),
    ]
    table = call("history", PAGES, str(DAY)).lines
    assert table[0].split() == ["time", "version", "run", "reason"]
    assert table[3].endswith(r"rollback: cut [bold]\x1b[31m\udcff")
    for options in ([], ["--json"]):
        assert "has no version in" in call("history", PAGES, "2027-01-01", *options).error
        assert "nosuch 2026-03-01 has no version in" in call("history", "nosuch", str(DAY), *options).error


def test_rollback_says_what_was_and_what_is_current(lake: Lake, call: LakeCommand) -> None:
    one, other = two(lake)
    files = tree(lake)
    dry = call("rollback", PAGES, str(DAY), "--dry-run")
    assert (dry.code, dry.lines) == (
        0,
        [f"{PAGES} {DAY}: {other} is current, {one} would be; nothing was written, since this is a dry run"],
    )
    assert tree(lake) == files
    done = call("rollback", PAGES, str(DAY))
    assert (done.code, done.err) == (0, "")
    assert done.lines[0] == f"{PAGES} {DAY}: {other} was current, {one} is current now"
    assert "publishes what its recipe says" in done.lines[1]
    assert lake.versions(PAGES, DAY)[DAY] == one
    again = call("rollback", PAGES, str(DAY), one)
    assert again.lines == [f"{PAGES} {DAY}: {one} is current already; nothing was written"]


def test_rollback_refuses_in_one_line(lake: Lake, call: LakeCommand) -> None:
    put(lake, pages(a="1"))
    with pytest.raises(BuildError) as caught:
        put(lake, pages(a="1").vstack(pages(a="2")))
    failed = str(caught.value).partition("version ")[2][:12]
    files = tree(lake)
    assert "there is no previous one" in call("rollback", PAGES, str(DAY)).error
    assert "failed its audit" in call("rollback", PAGES, str(DAY), failed).error
    assert "has no version 0123" in call("rollback", PAGES, str(DAY), "0123").error
    assert tree(lake) == files


def test_snapshots_are_created_listed_and_shown(lake: Lake, call: LakeCommand) -> None:
    assert json.loads(call("snapshot", "ls", "--json").out) == []
    assert call("snapshot", "ls").lines == [f"no snapshots in {lake.uri} yet"]
    next_day = DAY + timedelta(days=1)
    one, other = two(lake)
    later = put(lake, pages(a="1"), day=next_day).metadata.version
    made = call("snapshot", "create", "before", "--reason", "to compare [x]\udcff")
    assert made.lines == [f"snapshot before names 2 versions of 1 stages in {lake.uri}"]
    call("snapshot", "create", "first-day", "--to", str(DAY), "--stage", "preprocess/url_normalization")
    call("snapshot", "create", "last-day", "--from", str(next_day))
    (row, *others) = json.loads(call("snapshot", "ls", "--json").out)
    assert row | {"created_at": ""} == {
        **{"name": "before", "created_at": "", "reason": r"to compare [x]\udcff", "stages": 1, "versions": 2},
        **{"first": str(DAY), "last": str(next_day)},
    }
    assert [item["name"] for item in others] == ["first-day", "last-day"]
    assert [line.split()[0] for line in call("snapshot", "ls").lines] == ["name", "before", "first-day", "last-day"]
    assert json.loads(call("snapshot", "show", "before", "--json").out) == [
        {"stage": PAGES, "date": str(DAY), "version": other},
        {"stage": PAGES, "date": str(next_day), "version": later},
    ]
    shown = call("snapshot", "show", "before").lines
    assert shown[0].startswith("snapshot before of 2")
    assert shown[0].endswith(r": to compare [x]\udcff")
    assert shown[2].split() == [PAGES, "2", str(DAY), str(next_day)]
    for name, versions in [("first-day", [other]), ("last-day", [later])]:
        rows = json.loads(call("snapshot", "show", name, "--json").out)
        assert [row["version"] for row in rows] == versions
    # And read from: what it names stays, whatever is published after.
    call("rollback", PAGES, str(DAY))
    assert [row["version"] for row in ls(call, "--snapshot", "before")] == [other, later]
    assert [row["version"] for row in ls(call)] == [one, later]
    assert other in call("show", PAGES, str(DAY), "--snapshot", "before").lines[0]


def ls(call: LakeCommand, *arguments: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(call("ls", "--json", *arguments).out)
    return rows


def test_a_snapshot_of_a_moment(lake: Lake, call: LakeCommand) -> None:
    one, other = two(lake)
    before, after = (item.time for item in lake.history(PAGES, DAY))
    between = before.isoformat()
    call("snapshot", "create", "then", "--as-of", between)
    assert [row["version"] for row in ls(call, "--snapshot", "then")] == [one]
    assert [row["version"] for row in ls(call, "--as-of", between)] == [one]
    assert [row["version"] for row in ls(call, "--as-of", after.isoformat())] == [other]
    assert one in call("show", PAGES, str(DAY), "--as-of", between).lines[0]
    assert other in call("show", PAGES, str(DAY), "--version", other[:4]).lines[0]
    assert call("ls", "--as-of", "2020-01-01").lines == [f"nothing published in {lake.uri} as of 2020-01-01"]
    assert call("ls", "--as-of", between, "--summary").lines[1].split()[:2] == [PAGES, "1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("snapshot", "create", "x", "--from", "2026-03-02", "--to", "2026-03-01"), "the first day is after the last"),
        (("snapshot", "create", "x", "--stage", "raw"), "raw has no version there and then"),
        (("snapshot", "create", "x", "--as-of", "noon"), "is no time"),
        (("snapshot", "show", "gone"), "no snapshot gone in"),
        (("ls", "--snapshot", "gone"), "no snapshot gone in"),
        (("ls", "--snapshot", "a", "--as-of", "2026-03-01"), "exclude each other"),
        (("ls", "--as-of", "noon"), "is no time"),
        (("show", PAGES, "2026-03-01", "--version", "current", "--as-of", "2026-03-01"), "exclude each other"),
        (("show", PAGES, "2026-03-01", "--version", "0123"), "has no version 0123"),
        (("diff", PAGES, "2026-03-01", "--limit", "-1"), "--limit"),
        (("diff", "raw", "2026-03-01"), "raw 2026-03-01 has no version"),
    ],
)
def test_what_cannot_be_is_one_line(lake: Lake, call: LakeCommand, arguments: tuple[str, ...], said: str) -> None:
    put(lake, pages(a="1"))
    files = tree(lake)
    assert said in call(*arguments).error
    assert tree(lake) == files


@pytest.mark.parametrize("command", ["diff", "history", "rollback", "show"])
def test_odd_stages_dates_and_versions_are_one_line(lake: Lake, call: LakeCommand, command: str) -> None:
    two(lake)
    files = tree(lake)
    for odd in ODD:
        assert call(command, odd, str(DAY)).error
        assert call(command, PAGES, odd).error
    for odd in ["2026-02-30", "2026-13-01", "yesterday", "0000-00-00"]:
        assert "--help" in call(command, PAGES, odd).error
    if command != "history":
        option = ["--version"] if command == "show" else []
        for odd in ODD:
            assert call(command, PAGES, str(DAY), *option, odd).error
    assert tree(lake) == files


@pytest.mark.parametrize("odd", ODD)
def test_odd_names_of_snapshots_and_stages_are_one_line(lake: Lake, call: LakeCommand, odd: str) -> None:
    two(lake)
    files = tree(lake)
    for arguments in [
        ("snapshot", "create", odd),
        ("snapshot", "create", "x", "--stage", odd),
        ("snapshot", "create", "x", "--as-of", odd),
        ("snapshot", "create", "x", "--from", odd),
        ("snapshot", "show", odd),
        ("show", PAGES, str(DAY), "--snapshot", odd),
        ("show", PAGES, str(DAY), "--as-of", odd),
        ("ls", "--snapshot", odd),
        ("ls", "--as-of", odd),
        ("ls", odd),
    ]:
        assert call(*arguments).error
    assert tree(lake) == files


def tree(lake: Lake) -> list[tuple[str, int]]:
    """Whatever lies in the folder of the lake and beside it."""
    return sorted((str(path), path.stat().st_mtime_ns) for path in Path(lake.uri).parent.rglob("*"))


def test_looking_makes_nothing_where_nothing_is(lake: Lake, call: LakeCommand) -> None:
    for arguments in [("ls",), ("snapshot", "ls"), ("history", PAGES, str(DAY)), ("diff", PAGES, str(DAY))]:
        call(*arguments)
    assert tree(lake) == []


def test_damage_is_one_line(lake: Lake, call: LakeCommand) -> None:
    two(lake)
    dataset = lake.dataset(PAGES, DAY)
    obstore.put(lake.store._objects, f"{dataset.path}/html-documents.parquet", b"PAR1")
    assert "damaged" in call("diff", PAGES, str(DAY)).error
    obstore.put(lake.store._objects, f"{dataset.path}/metadata.json", b'{"metadata_version": 1, "x": "\x1b[31m"}')
    assert "metadata.json is not readable" in call("show", PAGES, str(DAY)).error


def test_the_installed_program_does_it_on_s3(bucket: str, tmp_path: Path) -> None:
    lake = Lake(f"{bucket}/lake")
    one, other = two(lake)
    variables = os.environ | {"HTML_CLASSIFICATION_LAKE": lake.uri}

    def run(*arguments: str) -> str:
        command = [PROGRAM, "lake", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=variables, check=True, capture_output=True, text=True).stdout

    assert "rows: 1 added, 1 removed, 1 changed, 1 the same" in run("diff", PAGES, str(DAY))
    assert "names 1 versions" in run("snapshot", "create", "x")
    assert f"{other} was current, {one} is current now" in run("rollback", PAGES, str(DAY))
    assert [row["version"] for row in json.loads(run("ls", "--snapshot", "x", "--json"))] == [other]
