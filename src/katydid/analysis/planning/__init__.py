"""Plan how many workers a service needs for its load, from theory or from a measured run. Pure."""
