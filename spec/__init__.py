"""What a person writes, typed and checked; and every decision as a pure function. Imports no resource."""
