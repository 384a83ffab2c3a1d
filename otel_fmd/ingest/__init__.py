"""Batches of requests, with everything that belongs to them, in one transaction."""
