"""The crisis matcher: what a message may be about, said to its writer alone, before it is sent.

Pure: text in, matches out; no clock, no I/O, no framework. It offers and never acts, and it is no diagnosis: what it
misses and what it takes wrongly stands in docs/lexicon.md.
"""
