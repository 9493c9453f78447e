"""Who sends a run's requests: the API key and whence another comes, headers, logins; and which target gets them."""
