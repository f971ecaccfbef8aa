"""The part of Stripe's API that the payment service uses, as a server that answers the real SDK as Stripe does."""

from mesh.local.stripe_simulator.server import StripeSimulator

__all__ = ["StripeSimulator"]
