"""A vendor with an events feed, in a folder like the real ones."""
