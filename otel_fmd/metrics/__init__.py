"""`/metrics`: what a process counted and how it is, for Prometheus."""
