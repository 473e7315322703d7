"""pavas_sdk."""
