"""Finding what is wrong with the training set, and repairing it.

Belongs here: label errors, off-topic pages, and what is done about them. Does not belong here: the
out-of-sample predictions that the evidence comes from (`training`), the queue of a person's work
(`labeling`). Nothing here imports Dagster: frames in, frames out.
"""
