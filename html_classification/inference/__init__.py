"""A model in use: from a page's HTML to its category and probabilities.

Belongs here: reading pages in any form (`pages`), the way from HTML to probabilities (`pipeline`), and what
`mlflow.pyfunc.load_model` calls (`model`). Does not belong here: training, and writing packaged models
(`training.packaging`).

All that is imported here, directly or not, travels with each model: so only `transforms`, the fields of
`training.features`, polars, numpy, scikit-learn, skops, and pandas for MLflow. No Dagster, no pandera, no lake.
"""

from html_classification.inference.pipeline import PagePipeline

__all__ = ["PagePipeline"]
