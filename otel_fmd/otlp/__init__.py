"""The wire: OTLP over HTTP and gRPC, decoded into neutral spans. Knows nothing of FMD."""
