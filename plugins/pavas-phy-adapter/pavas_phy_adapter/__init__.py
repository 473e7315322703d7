"""Phy-Adapter."""
