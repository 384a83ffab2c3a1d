"""Who may look, and who may change."""
