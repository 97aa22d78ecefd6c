"""A small fleet service on Kensa: hosts and scans over HTTP, PostgreSQL for results and for the queue."""
