"""The asset graph: one function an asset, thin.

Belongs here: what each stage is computed from. Does not belong here: how (`transforms`, `training`,
`refinement`, `labeling`), and where it is stored (`lake`).
"""
