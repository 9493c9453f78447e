"""Several targets in one run, behind what a run knows of one."""
