"""This package is where the log becomes public: its files, and the process that signs it, which
has the key and nothing else of the server."""
