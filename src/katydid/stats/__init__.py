"""Numbers only: histograms, inference, change points, queueing. Knows no run and no metric."""
