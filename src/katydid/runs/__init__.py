"""Run folders: written during a run, readable years later. Knows neither Locust nor gevent."""
