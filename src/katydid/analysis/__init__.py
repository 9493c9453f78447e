"""From samples to findings. Works on data frames; knows no Locust, no gevent, no HTML."""
