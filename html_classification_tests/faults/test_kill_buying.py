"""A backfill that buys labels of an API that often fails, killed again and again: nothing is paid twice or lost."""

import os
import random
import signal
import time
from decimal import Decimal
from pathlib import Path

from html_classification.labeling.orders import OrderBook
from html_classification.labeling.stored import check_label_store
from html_classification.lake.upkeep.verify import verify
from html_classification_tests.faults.backfills import backfills
from html_classification_tests.labelling_api.app import Terms
from html_classification_tests.labelling_api.faults import Faults
from html_classification_tests.labelling_api.ledger import Ledger
from html_classification_tests.labelling_api.serving import labelling_api
from html_classification_tests.pages import Project

DAYS = 14
KILLS = 20
EACH = 5
PAGES = 3 * EACH
TEXTS = DAYS * PAGES
A_RUN = 9
PRICE = Decimal("0.002")
SILVER = ("raw", "preprocess/url_normalization", "preprocess/html_parsing", "preprocess/text_normalization_v2")
GOLD = ("labels", "annotators", "annotated")
CLIENT = {"TIMEOUT": "0.5", "BATCH_SIZE": "3", "CONCURRENCY": "3"}


def within(budget: Decimal) -> dict[str, str]:
    """Settings of the client, and what may be spent in a day and in a month."""
    its = CLIENT | {"BUDGET_PER_DAY": f"{budget:f}", "BUDGET_PER_MONTH": f"{budget:f}"}
    return {f"HTML_CLASSIFICATION_LABELS_{name}": value for name, value in its.items()}


def kill_within(process: int, ledger: Ledger, requests: int, pause: float) -> None:
    """Kill a process a moment after it has sent some requests; nothing happens where it ends before."""
    until, deadline = len(ledger.requests()) + requests, time.monotonic() + 60
    while len(ledger.requests()) < until and Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(pause)
    if Path(f"/proc/{process}").exists():
        os.kill(process, signal.SIGKILL)


def test_killed_twenty_times_every_text_is_billed_once_and_gold_is_complete(project: Project, tmp_path: Path) -> None:
    days = project.write_days(DAYS, EACH)
    chance = random.Random(7)
    terms = Terms(latency=0.1, price=PRICE, faults=Faults.evenly(requests=0.2, late_seconds=1))
    with labelling_api(tmp_path / "api", terms=terms) as api, backfills(project.root) as program:
        program.start(SILVER, days, project.environment)
        assert program.wait() == 0
        kills = runs = 0
        while kills < KILLS:
            runs += 1
            # A little more may be spent each time, so that there is always something left to buy, also on a busy
            # machine, where a run may end before it is killed.
            budget = api.ledger.total() + PRICE * A_RUN
            process = program.start(GOLD, days, project.environment | api.environment | within(budget))
            kill_within(process, api.ledger, chance.randint(1, 3), chance.uniform(0, 0.1))
            kills += program.wait() == -signal.SIGKILL
            assert api.ledger.total() <= budget
            assert runs < 3 * KILLS
        for _ in range(3):  # a request that failed eight times waits for the next run
            program.start(GOLD, days, project.environment | api.environment | within(PRICE * TEXTS))
            assert program.wait() == 0
        assert api.ledger.billed_again() == {}
        assert api.ledger.total() == PRICE * TEXTS
        asked = len(api.ledger.requests())
        program.start(GOLD, days, project.environment | api.environment | within(PRICE * TEXTS))
        assert program.wait() == 0
        assert len(api.ledger.requests()) == asked
    assert {day: project.lake.read("annotated", day).height for day in days} == dict.fromkeys(days, PAGES)
    assert OrderBook(project.lake.store).read().open == {}
    assert (verify(project.lake) + check_label_store(project.lake.store)).problems == []
