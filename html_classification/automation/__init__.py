"""Running the graph: ranges of days, and later jobs, schedules, sensors and alerts.

Belongs here: what starts runs and what follows from their outcome. Does not belong here: what the runs do
(`assets`).
"""
