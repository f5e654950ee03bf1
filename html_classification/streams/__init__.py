"""Days of documents in pieces: the computations of the stages that go through every page of a crawl.

Belongs here: cutting a day into pieces, giving them to worker processes (`workers`), and putting together what comes
back, so that memory does not grow with the day. Does not belong here: what is done to a single page or frame
(`transforms`), and how rows come to lie in the lake (`lake.writing`).
"""
