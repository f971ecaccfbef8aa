"""What a payment is, how it moves, and the books that it leaves behind. Pure: no I/O, no clock of its own."""
