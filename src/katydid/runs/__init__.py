"""Run folders: written while a run goes on, read back years later. Knows no Locust and no gevent."""
