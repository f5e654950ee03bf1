"""Generator of the sample crawl: invented pages, with the flaws that real crawls have.

Only code that writes files below ``data/`` belongs here; the pipeline never imports it.
"""
