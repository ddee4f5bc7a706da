"""Turn-taking: how often somebody is cut off, against how long they wait; see docs/benchmarks.md."""
