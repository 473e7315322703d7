"""pavas-tiny."""
