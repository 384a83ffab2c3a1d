"""What keeps a database in order: retention, eviction, adoption."""
