"""Which pictures a run's and a comparison's page have; how they are drawn is `render`'s."""
