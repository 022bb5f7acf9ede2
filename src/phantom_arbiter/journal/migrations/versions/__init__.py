"""Schema changes, oldest first; a file once released is never edited."""
