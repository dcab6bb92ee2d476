"""From what the user has to a Topology, one file a loader."""
