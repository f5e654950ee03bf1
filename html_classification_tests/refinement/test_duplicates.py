import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from html_classification.refinement.duplicates import DuplicateRules, conflicting_duplicates
from html_classification.refinement.findings import FINDINGS


def cluster(*labels: tuple[str, str], name: str = "c") -> pl.DataFrame:
    """Rows /0, /1, … of a cluster, from (category, label_source)."""
    return pl.DataFrame(
        [
            {"url": f"https://{name}.example/{i}", "category": said, "label_source": who, "duplicate_cluster": name}
            for i, (said, who) in enumerate(labels)
        ]
    )


def judged(frame: pl.DataFrame, rules: DuplicateRules | None = None) -> dict[str, tuple[bool, str | None]]:
    found = conflicting_duplicates(frame, rules)
    return {
        url.rpartition("/")[2]: (strong, said) for url, strong, said in found[["url", "strong", "suggested"]].rows()
    }


def test_a_person_is_right_against_any_number_of_machines():
    rows = cluster(*[("news", "api:x/1")] * 5, ("sports", "person:ann"), ("sports", "file:labels.jsonl"))
    assert judged(rows) == {str(index): (True, "sports") for index in range(5)}
    assert conflicting_duplicates(rows)["reason"][0] == (
        "a near duplicate, https://c.example/5, is given sports; a person said so"
    )


def test_people_who_agree_count_as_one_and_those_who_do_not_leave_all_rows_doubtful():
    assert judged(cluster(("a", "ann"), ("a", "bob"), ("b", "api:x"))) == {"2": (True, "a")}
    disagree = cluster(*[("a", "api:x")] * 9, ("a", "ann"), ("b", "bob"))
    assert judged(disagree) == {str(index): (False, None) for index in range(11)}
    assert "people disagree: a, b" in conflicting_duplicates(disagree)["reason"][0]


def test_a_clear_majority_is_right_where_no_person_spoke():
    assert judged(cluster(*[("a", "api:x")] * 3, ("b", "api:x"))) == {"3": (True, "a")}
    two_of_three = cluster(("a", "api:x"), ("a", "api:x"), ("b", "api:x"))
    assert judged(two_of_three) == dict.fromkeys("012", (False, None))
    assert judged(two_of_three, DuplicateRules(majority_rows=2, majority_share=0.6)) == {"2": (True, "a")}
    six_of_nine = cluster(*[("a", "api:x")] * 6, *[("b", "api:x")] * 3)
    assert len(judged(six_of_nine)) == 9
    reasons = conflicting_duplicates(two_of_three)["reason"].to_list()
    assert reasons[0] == "a near duplicate, https://c.example/2, is given b; the cluster has a (2), b (1)"
    assert reasons[2].startswith("a near duplicate, https://c.example/0, is given a;")


def test_clusters_without_a_conflict_say_nothing():
    frame = pl.concat([cluster(("a", "api:x"), ("a", "ann"), name="c"), cluster(("b", "api:x"), name="d")])
    assert conflicting_duplicates(frame).is_empty()
    assert dict(conflicting_duplicates(frame.clear()).schema) == FINDINGS


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from(["api:m", "file:f", "ann", "bob"])),
        min_size=1,
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_findings_of_any_clusters(labels, chance):
    frame = pl.DataFrame(
        [
            {"url": f"{index:02d}", "category": said, "label_source": who, "duplicate_cluster": name}
            for index, (name, said, who) in enumerate(labels)
        ]
    )
    found = conflicting_duplicates(frame).join(frame, on="url")
    people = found.filter(~pl.col("label_source").str.contains(":"))
    assert people["suggested"].null_count() == people.height
    assert (found["suggested"].is_not_null() == found["strong"]).all()
    assert not (found["suggested"] == found["category"]).any()
    conflicts = frame.filter(pl.col("category").n_unique().over("duplicate_cluster") > 1)
    assert set(found["duplicate_cluster"]) == set(conflicts["duplicate_cluster"])
    order = list(range(frame.height))
    chance.shuffle(order)
    assert conflicting_duplicates(frame[order]).equals(conflicting_duplicates(frame))
