"""Models: built by a factory, fed with frames, written as files, kept in a registry."""
