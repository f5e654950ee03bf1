"""What a team with DVC runs before `dvc add`: `python producing.py checked|unchecked FROM TO DAY…`.

Reads the files of the days that changed (which it is told), checks the rows with the stage's pandera model, as a team
that cares would, and writes them where DVC tracks them. Unchecked it neither checks nor imports pandera.
"""

import sys
from pathlib import Path

import polars as pl

if __name__ == "__main__":
    verb, source, target, *days = sys.argv[1:]
    if verb == "checked":
        from html_classification.schemas.text_normalization import text_normalization_stage

        model = text_normalization_stage("v1", ["none"]).model
    for day in days:
        rows = pl.read_parquet(Path(source, f"{day}.parquet"))
        if verb == "checked":
            model.validate(rows, lazy=True)
        path = Path(target, f"{day}.parquet")
        path.unlink(missing_ok=True)  # it may be a link into DVC's cache
        rows.write_parquet(path, compression="zstd", compression_level=3)
