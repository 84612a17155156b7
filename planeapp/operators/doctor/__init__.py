"""What ``manage.py doctor`` looks at: settings, keys, stores, workers, and who is outside; each fault with its mend."""
