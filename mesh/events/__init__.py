"""How facts travel from one service to the others: outbox, relay, consumer, dead letters."""
