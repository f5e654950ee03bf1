"""Signatures of the texts in a JSON file, as datasketch's users write it: `python datasketch_signatures.py FILE`."""

import json
import re
import sys
import time
from pathlib import Path

from datasketch import MinHash

_WORD = re.compile(r"[^\W_]+")


def signature(text: str) -> MinHash:
    """112 permutations of the 5-grams of words."""
    words = _WORD.findall(text.lower())
    grams = {" ".join(words[start : start + 5]).encode() for start in range(max(len(words) - 4, 1))}
    minhash = MinHash(num_perm=112)
    minhash.update_batch(grams)
    return minhash


if __name__ == "__main__":
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    started = time.process_time()
    for text in texts:
        signature(text)
    print(json.dumps({"seconds": time.process_time() - started}))
