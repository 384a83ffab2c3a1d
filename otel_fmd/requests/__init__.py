"""From spans to what FMD knows: requests, outliers, profiles."""
