"""Reports: run folders as pages, terminal output and Markdown. Never imports Locust or gevent."""
