"""The Planhat of the sandbox: REST API, pages and automations."""
