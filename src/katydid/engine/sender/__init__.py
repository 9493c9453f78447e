"""Credentials of a run's requests: API keys and their renewal, extra headers, logins; and which targets get them."""
