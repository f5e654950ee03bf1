"""Text normalization: the text of a page as models read it, in several versions side by side.

Belongs here: what the rules do to text (`rules`), what dictionaries know about words (`lexicon`), which
rules make up a text version (`versions`, the one file to edit for a new one) and how a version is applied
to a day's pages or to a single page (`normalization`). Does not belong here: taking text out of HTML
(`transforms.html`), detecting its language (`transforms.language`), or turning it into features
(`training`).
"""
