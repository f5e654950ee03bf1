"""Looking after a lake: is everything as it was written (`verify`), and what may go (`gc`).

Belongs here: what goes over whole lakes for their health. Does not belong here: what a run or a notebook needs.
"""
