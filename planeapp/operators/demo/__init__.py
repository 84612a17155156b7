"""What ``make demo`` runs: the app, its worker and the sandbox vendors in one process tree, with nothing installed beside."""
