"""The whole stack on one machine, without containers: supervisor, certificates and simulators of outside providers."""
