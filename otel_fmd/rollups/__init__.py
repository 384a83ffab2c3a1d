"""What is counted per period: deltas folded into rollups, and recounting."""
