"""From samples to numbers and judgements. Reads data frames; knows no Locust, no gevent, no HTML."""
