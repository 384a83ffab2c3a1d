"""The write side: batches in, one transaction out."""
