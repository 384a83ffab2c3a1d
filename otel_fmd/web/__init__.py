"""Login, security headers, proxies and health routes; no SQL, no statistics."""
