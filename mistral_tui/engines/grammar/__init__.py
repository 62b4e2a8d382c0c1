"""Replies of a prescribed form: grammars in several notations, compiled by llguidance for any engine's vocabulary."""
