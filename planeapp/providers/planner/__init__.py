"""Planner (get-planner.com): schedule blocks, by REST and MCP."""
