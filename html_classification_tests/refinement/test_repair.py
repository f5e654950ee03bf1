import polars as pl
import pytest

from html_classification.refinement.findings import FINDINGS
from html_classification.refinement.repair import DECIDED, RepairRules, repair

pytestmark = pytest.mark.filterwarnings("error")

Finding = tuple[str, bool, str | None]


def repaired(*found: Finding, source: str = "api:x/1", rules: RepairRules | None = None, others: int = 9) -> dict:  # type: ignore[type-arg]
    """What becomes of a row given as `a`, beside others of which nothing is found."""
    urls = ["https://a.example/", *(f"https://b.example/{number}" for number in range(others))]
    rows = pl.DataFrame(
        {
            "url": urls,
            "category": "a",
            "label_source": [source] + ["api:x/1"] * others,
            "split": "train",
            "duplicate_cluster": urls,
        },
    )
    findings = pl.DataFrame(
        [(urls[0], issue, strong, suggested, f"because {issue}") for issue, strong, suggested in found],
        schema=FINDINGS,
        orient="row",
    )
    return repair(rows, findings, rules).row(0, named=True)


def test_what_nothing_is_found_of_is_kept() -> None:
    row = repaired()
    assert (row["action"], row["repaired"], row["issues"], row["reasons"]) == ("kept", "a", [], [])


@pytest.mark.parametrize(
    ("found", "action", "category"),
    [
        ([("label_error", True, "b")], "relabelled", "b"),
        ([("label_error", False, "b")], "review", "a"),
        ([("conflicting_duplicates", True, "b")], "relabelled", "b"),
        ([("conflicting_duplicates", False, None)], "review", "a"),
        ([("off_topic", True, None)], "dropped", "a"),
        ([("off_topic", False, None)], "review", "a"),
        ([("empty_text", True, None)], "dropped", "a"),
        ([("broken_text", True, None)], "dropped", "a"),
        ([("broken_text", False, None)], "review", "a"),
        ([("ambiguous", False, "b")], "kept", "a"),
        ([("label_error", True, "b"), ("off_topic", True, None)], "dropped", "a"),
        ([("label_error", True, "b"), ("ambiguous", False, "b")], "relabelled", "b"),
        ([("label_error", True, "b"), ("broken_text", False, None)], "relabelled", "b"),
        ([("label_error", True, "b"), ("conflicting_duplicates", True, "b")], "relabelled", "b"),
        ([("label_error", True, "b"), ("conflicting_duplicates", True, "c")], "review", "a"),
    ],
)
def test_what_follows_from_evidence_by_default(found: list[Finding], action: str, category: str) -> None:
    row = repaired(*found)
    assert (row["action"], row["repaired"]) == (action, category)
    assert sorted(row["issues"]) == sorted(issue for issue, *_ in found)
    assert len(row["reasons"]) == len(found)


@pytest.mark.parametrize("found", [("label_error", True, "b"), ("off_topic", True, None), ("label_error", False, "b")])
def test_what_a_person_decided_stays_whatever_the_evidence(found: Finding) -> None:
    row = repaired(found, source="person:ann@example.com")
    assert (row["action"], row["repaired"]) == ("kept", "a")
    assert row["reasons"] == [f"because {found[0]}", DECIDED]
    assert repaired(found, source="file:labels.jsonl")["action"] != "kept"


def test_rules_say_what_follows() -> None:
    error, off_topic = ("label_error", True, "b"), ("off_topic", True, None)
    assert repaired(error, rules=RepairRules(label_error="review"))["action"] == "review"
    assert repaired(error, rules=RepairRules(label_error="kept"))["action"] == "kept"
    assert repaired(off_topic, rules=RepairRules(off_topic="review"))["action"] == "review"
    assert repaired(("ambiguous", False, None), rules=RepairRules(ambiguous="review"))["action"] == "review"
    assert repaired(("label_error", False, "b"), rules=RepairRules(doubtful="kept"))["action"] == "kept"


def test_the_suggestion_is_that_of_the_strongest_evidence() -> None:
    weak, strong = ("conflicting_duplicates", False, "c"), ("label_error", True, "b")
    assert repaired(weak, strong)["suggested"] == "b"
    assert repaired(("off_topic", False, None))["suggested"] is None


def test_if_too_much_would_be_changed_nothing_is() -> None:
    error = ("label_error", True, "b")
    assert repaired(error, others=3)["action"] == "relabelled"
    row = repaired(error, others=2)
    assert (row["action"], row["repaired"], row["held"]) == ("review", "a", True)
    assert row["reasons"][-1] == (
        "33 % of the rows would be changed, which is more than 25: nothing is, a person should look"
    )


def test_copies_of_what_a_person_decided_are_not_asked_about() -> None:
    urls = ["https://a.example/", "https://a.example/copy", "https://a.example/other"]
    rows = pl.DataFrame(
        {
            "url": urls,
            "category": ["a", "a", "b"],
            "label_source": ["person:ann", "api:x/1", "api:x/1"],
            "split": "train",
            "duplicate_cluster": urls[0],
        }
    )
    doubts = pl.DataFrame([(url, "label_error", False, "c", "doubtful") for url in urls], schema=FINDINGS, orient="row")
    assert repair(rows, doubts)["action"].to_list() == ["kept", "kept", "review"]


def copies(*rows: tuple[str, str, str | None, str | None], split: str = "train") -> list[tuple[str, str]]:
    """Action and category of near duplicates: each given as, by whom, and what copies and models suggest, strongly."""
    urls = [f"https://a.example/{number}" for number in range(len(rows))]
    others = [f"https://b.example/{number}" for number in range(40)]
    frame = pl.DataFrame(
        {
            "url": urls + others,
            "category": [given for given, *_ in rows] + ["a"] * 40,
            "label_source": [source for _, source, *_ in rows] + ["api:x/1"] * 40,
            "split": split,
            "duplicate_cluster": [urls[0]] * len(rows) + others,
        }
    )
    found = [
        (url, issue, True, suggested, "because")
        for url, (_, _, *suggestions) in zip(urls, rows, strict=True)
        for issue, suggested in zip(("conflicting_duplicates", "label_error"), suggestions, strict=True)
        if suggested
    ]
    after = repair(frame, pl.DataFrame(found, schema=FINDINGS, orient="row"))
    return after.head(len(rows)).select("action", "repaired").rows()


def test_copies_do_not_exchange_their_labels() -> None:
    machine = "api:x/1"
    wrong = [("sports", machine, None, "cooking")] * 3
    assert copies(*wrong, ("cooking", machine, "sports", None)) == [("review", "sports")] * 3 + [("review", "cooking")]
    alone = copies(("sports", machine, None, "cooking"), ("sports", machine, None, None))
    assert alone == [("review", "sports"), ("kept", "sports")]
    agreed = copies(*[("sports", machine, None, "cooking")] * 2, ("cooking", machine, None, None))
    assert agreed == [("relabelled", "cooking")] * 2 + [("kept", "cooking")]


def test_what_a_person_said_of_a_copy_counts_before_what_models_say() -> None:
    found = copies(("sports", "person:ann", None, None), ("travel", "api:x/1", "sports", "cooking"))
    assert found == [("kept", "sports"), ("relabelled", "sports")]


def test_labels_of_test_rows_are_changed_by_people_only() -> None:
    found = copies(("sports", "api:x/1", None, "cooking"), split="test")
    assert found == [("review", "sports")]
