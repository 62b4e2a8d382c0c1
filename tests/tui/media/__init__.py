"""Pictures and recordings on screen."""
