"""The demo: two small Flask services with the standard OTel instrumentation, under traffic."""
