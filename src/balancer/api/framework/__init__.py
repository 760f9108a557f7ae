"""What every endpoint needs: inputs, problems, the log line of a request."""
