"""Main content by trafilatura: `python trafilatura_content.py PAGES`, a file of JSON strings, a page a line.

Prints a line for each: `text`, and the processor `seconds` that it took, reading the page's HTML included.
"""

import json
import sys
import time
from pathlib import Path

from trafilatura import extract

if __name__ == "__main__":
    with Path(sys.argv[1]).open(encoding="utf-8") as lines:
        for line in lines:
            html = json.loads(line)
            started = time.process_time()
            text = extract(html) or ""
            print(json.dumps({"text": text, "seconds": time.process_time() - started}))
