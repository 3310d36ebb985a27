"""What a run will need, by arithmetic: memory, time and disk. No I/O; estimates are marked as such wherever shown."""
