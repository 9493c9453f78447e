"""What Katydid adds to Locust's web page, by Locust's own extension points."""
