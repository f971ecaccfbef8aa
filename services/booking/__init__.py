"""booking: what can be booked, who could do it, and every booking from the offer to the end."""
