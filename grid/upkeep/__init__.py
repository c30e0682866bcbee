"""This folder is where a server is looked after: backups of it, and what is wrong with it."""
