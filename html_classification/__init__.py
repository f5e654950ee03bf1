"""html-classification: crawled HTML through the medallion layers to document classifiers.

What belongs here: nothing but this page. The rooms are `assets` (the Dagster graph, thin), `transforms`
(pure functions on frames), `lake` (versioned datasets in plain files), `labeling`, `training`,
`refinement`, `schemas` (the columns of each stage) and `automation`. `definitions.py` wires them.
"""
