"""The columns of each stage, one pandera model a stage, and the list of all stages.

Belongs here: what a stage is called, what its columns are, what they mean. Does not belong here: how a
column is computed (`transforms`, `training`, `refinement`) or where it is stored (`lake`).
"""
