"""The write side: spans in, one transaction out."""
