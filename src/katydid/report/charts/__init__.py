"""Which charts the pages of runs and comparisons have; `render` draws them."""
