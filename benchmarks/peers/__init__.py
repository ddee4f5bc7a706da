"""Two MCP servers in one room, measured from outside: see docs/benchmarks.md."""
