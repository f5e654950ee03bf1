"""Labels: where they come from, and how they meet the pages.

Belongs here: reading labels, choosing one for each page. Does not belong here: training on them
(`training`), doubting them (`refinement`).
"""
