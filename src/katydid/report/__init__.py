"""What a run folder looks like to people: HTML, terminal. Never imports Locust or gevent."""
