"""The sample data and its generator. Nothing the pipeline imports belongs here."""
