"""The sections of a run's page: each a function of the record, ``None`` where there is nothing to show."""
