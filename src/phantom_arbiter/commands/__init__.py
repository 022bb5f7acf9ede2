"""One file per command: parse, build, call, print. What is heavy is imported when the command runs."""
