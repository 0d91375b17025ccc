"""What `cadans` can be asked in a terminal: each command is thin, one service call."""
