"""The edge: everything that Envoy does, and the OpenAPI document, derived from the contract. Knows no service's code."""
