"""Every change that a person or an app can ask for."""
