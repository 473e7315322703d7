"""Lists of impacts in recorded clips: proposing, reviewing, checking and comparing them."""
