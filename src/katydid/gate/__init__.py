"""The CI gate: reads a thresholds file and judges runs by it. Knows neither reports nor Locust."""
