"""What a booking is: entities, tables and pure functions. Knows no wire, no store and no clock."""
