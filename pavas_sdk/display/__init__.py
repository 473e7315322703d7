"""What results look like in a notebook: a player, pictures of a sound, plots."""
