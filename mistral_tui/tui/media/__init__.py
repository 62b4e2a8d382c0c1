"""Pictures and recordings on screen: as the terminal itself draws them, in half cells, as bars, or in words."""
