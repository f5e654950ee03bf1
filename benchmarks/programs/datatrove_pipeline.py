"""The same work as the stages up to parsed pages, in datatrove: `python datatrove_pipeline.py CRAWL_DAY FOLDER`.

Runs in datatrove's own virtual environment, on two workers, as its examples show: pages are read, their main content
extracted (Trafilatura), languages told, and near duplicates taken out by MinHash in four steps; then rows are written.
"""

import json
import sys
import time

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from py3langid.langid import MODEL_FILE, LanguageIdentifier

WORKERS = 2


class TellLanguage(BaseFilter):
    """Adds the language, by the detector and from as many characters as ours; keeps every document.

    datatrove's own LanguageFilter downloads its model at run time.
    """

    name = "py3langid"

    def __init__(self) -> None:
        super().__init__()
        self.identifier = None

    def filter(self, doc):
        """Keep the document, with its language."""
        if self.identifier is None:
            self.identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        language, confidence = self.identifier.classify(doc.text[:1000])
        doc.metadata |= {"language": language, "language_confidence": float(confidence)}
        return True


def run_all(drop: str, folder: str) -> int:
    """Run the steps, one after the other; the number of documents that were extracted."""
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)

    def execute(name: str, steps: list, tasks: int = WORKERS):
        # A reader's documents go from step to step; tasks are shared out to the workers.
        executor = LocalPipelineExecutor(
            pipeline=steps, tasks=tasks, workers=min(tasks, WORKERS), logging_dir=f"{folder}/logs/{name}"
        )
        return executor.run()

    stats = execute(
        "extract",
        [
            JsonlReader(drop, text_key="html", id_key="url"),
            Trafilatura(timeout=30),  # its default of a second would drop pages on a busy machine
            TellLanguage(),
            JsonlWriter(f"{folder}/extracted"),
        ],
    )
    execute(
        "signatures",
        [JsonlReader(f"{folder}/extracted"), MinhashDedupSignature(f"{folder}/signatures", config=config)],
    )
    execute(
        "buckets",
        [MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)],
        tasks=config.num_buckets,
    )
    execute("clusters", [MinhashDedupCluster(f"{folder}/buckets", f"{folder}/duplicates", config=config)], tasks=1)
    execute(
        "filter",
        [
            JsonlReader(f"{folder}/extracted"),
            MinhashDedupFilter(f"{folder}/duplicates"),
            JsonlWriter(f"{folder}/result"),
        ],
    )
    return stats.stats[-1].stats["total"].total


if __name__ == "__main__":
    started = time.perf_counter()
    extracted = run_all(sys.argv[1], sys.argv[2])
    print(json.dumps({"extracted": extracted, "seconds": time.perf_counter() - started}))
