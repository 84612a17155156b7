"""Planhat: companies, contacts and calls; work items become issues on companies."""
