"""What runs inside the monitored app."""
