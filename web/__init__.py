"""This package is where Grid meets the world over HTTP: the API, the pages and the client."""
