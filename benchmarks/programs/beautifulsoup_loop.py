"""A plain loop from crawl drop to title and text: `python beautifulsoup_loop.py FOLDER`. No language, no copies."""

import gzip
import json
import sys
import time
from pathlib import Path

from bs4 import BeautifulSoup

if __name__ == "__main__":
    started = time.perf_counter()
    count = characters = 0
    for path in sorted(Path(sys.argv[1]).glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                soup = BeautifulSoup(json.loads(line)["html"], "lxml")
                title = soup.title.get_text(" ", strip=True) if soup.title else ""
                text = soup.get_text(" ", strip=True)
                count += 1
                characters += len(title) + len(text)
    print(json.dumps({"documents": count, "characters": characters, "seconds": time.perf_counter() - started}))
