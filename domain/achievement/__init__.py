"""Achievements: criteria over what members contributed, and what is awarded when they are met."""
