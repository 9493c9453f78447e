"""From samples to findings. Reads data frames; knows no Locust, no gevent, no HTML."""
