"""Pure functions over numbers and records: no database, no server, no browser."""
