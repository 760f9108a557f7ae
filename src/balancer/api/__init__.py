"""What HTTP looks like: paths, status codes, headers, JSON and the OpenAPI document."""
