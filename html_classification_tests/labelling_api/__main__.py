"""A command with a labelling API beside it, started and stopped: what `make demo` runs.

Belongs here: the command line, ending both together, and what was bought in words. Does not belong here: the API.

    python -m html_classification_tests.labelling_api --labels data/labels.jsonl --folder data/labelling-api -- COMMAND

The command finds the API, its key, its price and what may be spent in its environment. Its exit status is passed on.
"""

import argparse
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import FrameType
from urllib.request import getproxies

from html_classification_tests.labelling_api.app import CURRENCY, Terms
from html_classification_tests.labelling_api.faults import Faults
from html_classification_tests.labelling_api.ledger import Billed, Ledger, total
from html_classification_tests.labelling_api.serving import NoApiError, labelling_api

#: The first port to try, so that the address is the same from one time to the next.
_PORT = 22_999
#: How long a command that was told to end may take.
_GRACE = 10


def main() -> int:
    """Run the command line; the exit status of the command."""
    options = _options()
    # A new key each time, so that none stands anywhere.
    terms = Terms(
        key=secrets.token_urlsafe(24),
        price=options.price,
        latency=options.latency,
        requests_per_second=options.requests_per_second,
        faults=Faults.evenly(requests=options.faults),
    )
    ledger = Ledger(options.folder)
    before = ledger.billed()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with labelling_api(options.folder, options.labels, terms, port=_PORT) as api:
            variables = {
                "no_proxy": ",".join(filter(None, [getproxies().get("no"), "127.0.0.1"])),
                "HTML_CLASSIFICATION_LABELS_BUDGET_PER_DAY": f"{options.budget_per_day:f}",
                "HTML_CLASSIFICATION_LABELS_BUDGET_PER_MONTH": f"{options.budget_per_month:f}",
            }
            status = _run(options.command, os.environ | api.environment | variables)
    except (NoApiError, OSError) as error:
        print(f"labelling_api: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    print(f"\n{_bought(ledger, before)}")
    return status


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m html_classification_tests.labelling_api", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--labels", type=Path, required=True, help="the label file with what it answers")
    parser.add_argument("--folder", type=Path, required=True, help="where its ledger lies, from one time to the next")
    parser.add_argument("--price", type=Decimal, default=Decimal("0.002"), help="of a document, in EUR")
    parser.add_argument("--budget-per-day", type=Decimal, default=Decimal(5), help="in EUR")
    parser.add_argument("--budget-per-month", type=Decimal, default=Decimal(50), help="in EUR")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--requests-per-second", type=float, help="its limit; none by default")
    parser.add_argument("--faults", type=float, default=0.0, help="the share of requests that fail, from 0 to 1")
    parser.add_argument("command", nargs="+", help="what to run, after --")
    return parser.parse_args()


def _interrupt(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a command to its end, or end it with this process: a Ctrl-C reaches both, anything else only this one."""
    process = subprocess.Popen(command, env=environment)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        _wait(process)
        raise
    finally:
        if process.poll() is None:
            process.terminate()
            _wait(process)
            process.kill()
            process.wait()
    return status if status >= 0 else 128 - status


def _wait(process: "subprocess.Popen[bytes]") -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)


def _bought(ledger: Ledger, before: Sequence[Billed]) -> str:
    billed = ledger.billed()
    now = f"{_sum(billed[len(before) :])}" if len(billed) > len(before) else "nothing"
    in_all = f"{ledger.billed_file}: {_sum(billed)} in all, billed twice: {len(ledger.billed_again())}"
    return f"Labels bought now: {now}\n{in_all}"


def _sum(billed: Sequence[Billed]) -> str:
    return f"{len(billed)} documents for {total(billed)} {CURRENCY}"


if __name__ == "__main__":
    sys.exit(main())
