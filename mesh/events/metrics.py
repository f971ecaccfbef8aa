"""Every metric of the events' way, named and explained once."""

from prometheus_client import Counter, Gauge

OUTBOX_AGE = Gauge("mesh_outbox_age_seconds", "Age of the oldest event that has not been sent; 0 when there is none.")
OUTBOX_BACKLOG = Gauge("mesh_outbox_backlog", "Events that have not been sent, as the relay that holds the lease sees them.")
OUTBOX_SENT = Counter("mesh_outbox_sent", "Events that the broker has acknowledged.")
OUTBOX_RESTORED = Counter("mesh_outbox_restored", "Sent events that were sent again because the broker had lost them.")
RELAY_FAILURES = Counter("mesh_relay_failures", "Attempts of the relay that failed; it tries again after a growing pause.")
RELAY_LEADING = Gauge("mesh_relay_leading", "1 while this process sends the service's events, otherwise 0.")

CONSUMER_ASSIGNED = Gauge("mesh_consumer_assigned", "Partitions that this process consumes now.")
CONSUMER_HEALTHY = Gauge("mesh_consumer_healthy", "0 when the consumer stopped itself because of too many dead letters.")
CONSUMER_RESTARTS = Counter("mesh_consumer_restarts", "Times that the connection to the broker was built anew after a failure.")
EVENTS_HANDLED = Counter("mesh_events_handled", "Events that took effect, by handler.", ("handler",))
EVENTS_SEEN_BEFORE = Counter("mesh_events_seen_before", "Deliveries dropped because the event had taken effect.", ("handler",))
EVENTS_RETRIED = Counter("mesh_events_retried", "Attempts at an event that failed and are repeated, by handler.", ("handler",))
DEAD_LETTERS = Counter("mesh_dead_letters", "Events put aside because they can never take effect, by handler.", ("handler",))
