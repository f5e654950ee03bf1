"""Main content by resiliparse: `python resiliparse_content.py PAGES`; see `trafilatura_content`."""

import json
import sys
import time
from pathlib import Path

from resiliparse.extract.html2text import extract_plain_text

if __name__ == "__main__":
    with Path(sys.argv[1]).open(encoding="utf-8") as lines:
        for line in lines:
            html = json.loads(line)
            started = time.process_time()
            # The settings that are best on WCXB; noscript: forums that scripts put together have content.
            text = extract_plain_text(html, main_content=True, alt_texts=False, list_bullets=False, noscript=True)
            print(json.dumps({"text": text, "seconds": time.process_time() - started}))
