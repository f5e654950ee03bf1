"""What users of the lake would write, run by the benchmarks as processes of their own so that their start-up counts.

Belongs here: programs of a few lines; each prints what it did as JSON, with the seconds since its imports. Does not
belong here: timing them from outside, or what the peers do.
"""
