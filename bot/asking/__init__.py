"""Plain words, understood by rules: what is asked, of which sources, for which time. No model, no network.

`reading.read` turns a sentence into questions; nothing here looks anything up, and nothing here starts anything. All
words of a language stand in one catalogue (`english.yaml`), so that another language is only data.
"""
