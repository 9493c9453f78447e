"""What CI judges by: a thresholds file, and the verdict on runs by it. Knows neither reports nor Locust."""
