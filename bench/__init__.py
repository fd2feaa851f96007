"""How long a rehearsal takes against the same work done by hand, with the same binaries."""
