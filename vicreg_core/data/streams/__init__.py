"""Datasets in shards that are read in order, a bounded part at a time, from disks and object stores."""
