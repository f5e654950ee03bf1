"""HTML documents as text and facts.

Belongs here: parsers (`engines`), what is taken from one page (`page`), the frame of many pages (`documents`).
Does not belong here: languages, copies, and rules on text (`language`, `duplicates`, `text`).
"""
