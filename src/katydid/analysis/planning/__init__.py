"""How many workers a service needs for its load, from theory and from a measured run. Pure."""
