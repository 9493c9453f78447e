"""Tables of reports, for the page and the terminal alike."""
