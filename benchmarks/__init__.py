"""Benchmarks against the peers, as ratios: `make bench`, or `python -m benchmarks NAME…` in the checkout.

Belongs here: one module for each subject, with a function `run()` that yields what it measured. Does not belong
here: tests; a missed bar is reported and fails nothing.

A new benchmark is a module beside this one and its name in `__main__.NAMES`:

    def run() -> Iterator[Result]:
        with workspace() as folder:
            seconds = side_by_side({"ours": read_with_the_lake, "plain polars": read_with_polars})
            yield Ratio("reading a month", seconds["ours"], seconds["plain polars"], "plain polars", at_most=1.3)

Figures are only comparable within one run on one machine, which is why they are given as ratios.
"""
