"""The metric extractors of the core, registered through the same door as everyone's."""
