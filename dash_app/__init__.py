"""The dashboard: every view in Plotly Dash, over the read side of otel_fmd."""
