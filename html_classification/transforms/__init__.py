"""Pure functions on polars frames: what happens to documents between the stages.

Belongs here: addresses, HTML, languages, duplicates and text, each usable from a notebook. Does not belong
here: where data lies (`lake`), what columns mean (`schemas`), and anything of Dagster (`assets`).
"""
