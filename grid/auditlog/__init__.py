"""This package is where it stands what the public log says of each decision: entries, packed into
leaves of a Merkle tree, whose root is signed in notes."""
