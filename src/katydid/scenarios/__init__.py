"""Conversations as files: what a session's requests look like and what their answers must say.

`reading.py` reads and checks a TOML file, `templates.py` fills it in; the files beside them ship with Katydid.
They know no transport and no Locust.
"""
