"""The shop of the demo: an ordinary Flask application; nothing in it knows of monitoring."""
