"""What a run folder looks like to people. Never imports Locust or gevent."""
