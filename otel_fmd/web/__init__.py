"""Login and routes: thin views over the database room, no SQL, no statistics."""
