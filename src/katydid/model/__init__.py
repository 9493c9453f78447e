"""What everything speaks of: samples, metrics, errors, words. Pure: knows no clock, no socket and no file."""
