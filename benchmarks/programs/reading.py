"""Names the rows that a stage had at a time, or reads them too: `python reading.py name|read LAKE TIME`."""

import json
import sys
import time

from html_classification.lake import Lake

STAGE = "preprocess/text-normalization/v1"

if __name__ == "__main__":
    started = time.perf_counter()
    verb, uri, at = sys.argv[1:]
    frame = Lake(uri).scan(STAGE, as_of=at)
    rows = frame.collect().height if verb == "read" else None
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - started}))
