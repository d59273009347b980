"""The processes of a run: started, told to stop, and stopping together."""
