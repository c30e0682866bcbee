"""This package is where a stranger checks what a grid has published: over HTTP, or in a bundle."""
