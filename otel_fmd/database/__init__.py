"""The only place with SQL: tables, migrations, writers, queries, retention."""
