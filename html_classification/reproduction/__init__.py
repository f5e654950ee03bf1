"""Reproduction: versions of the lake, computed again from raw and compared.

Belongs here: which versions a version was made from (`provenance`), computing all of them again in a scratch lake
(`rebuilding`), and saying in words why today's code computes something else (`differences`). Does not belong here:
how a stage is computed (`assets`), or looking after the lake (`lake`).

From a notebook, in the project's folder:

    from html_classification.lake import Lake
    from html_classification.reproduction.provenance import make_plan, targets_of_snapshot
    from html_classification.reproduction.rebuilding import rebuild
    lake = Lake("data/lake")
    plan = make_plan(lake.store, targets_of_snapshot(lake, "release-1"))
    for verdict in rebuild(lake, plan, "/tmp/scratch"):
        print(verdict.id, verdict.status, verdict.reason)
"""
