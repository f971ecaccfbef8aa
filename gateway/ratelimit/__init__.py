"""One count for all edges: Envoy's rate limit service, with the contract's rates and counters in Redis."""
