"""The companies behind the work: a searchable copy of what the other system knows, who is meant by what, rules on changes."""
