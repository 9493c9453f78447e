"""The APIs that the embedded target speaks: one file each."""
