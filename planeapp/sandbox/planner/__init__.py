"""The sandbox's Planner: REST, webhooks, MCP, OAuth and a schedule page."""
