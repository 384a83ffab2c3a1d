"""What each command of `otel-fmd` does; imported when it is run."""
