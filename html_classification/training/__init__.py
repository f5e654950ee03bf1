"""From a window of labelled days to compared, tracked and registered classifiers.

Belongs here: the split, the algorithms, fitting and prediction, the metrics, and what is kept in MLflow.
Does not belong here: where frames are stored (`lake`), when something runs (`assets`), repairing labels
(`refinement`). Nothing here imports Dagster: frames in, frames out.
"""
