"""A whole house in one archive, and back: another machine, another database, another store.

An archive is a ZIP file: `manifest.json` says what is in it with digests, `tables/<name>.jsonl`
hold the rows of every table as they stood at one instant, neutral of the database, and
`objects/<key>` the bytes of the store, unless they lie beside it or stay where they are.
"""
