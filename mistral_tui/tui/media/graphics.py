"""How pictures are drawn on this screen."""

import sys
from typing import Literal

from textual.app import App

from mistral_tui.chat.previews.preview import pictures_can_be_decoded

Graphics = Literal["kitty", "sixel", "cells", "words"]
"""As the terminal itself draws them, by the protocol of Kitty or as Sixels; as cells of two colours; not at all."""
NO_PICTURES = "-no-pictures"
"""Class of an app whose screen has no colours or signs for pictures, or is listened to."""


def graphics_of(app: App[object]) -> Graphics:
    """Return how pictures are drawn on the screen of an app."""
    if app.has_class(NO_PICTURES) or not pictures_can_be_decoded():
        return "words"
    # Loaded before the app began, if the person wants pictures as the terminal itself draws them: it has asked that.
    found = sys.modules.get("textual_image.renderable")
    if found is None or app.console.color_system != "truecolor":
        return "cells"
    if found.Image is found.TGPImage:
        return "kitty"
    return "sixel" if found.Image is found.SixelImage else "cells"


def cell_size() -> tuple[int, int]:
    """Return the width and height of a cell in pixels, as far as that is known."""
    found = sys.modules.get("textual_image.widget")
    width, height = (10, 20) if found is None else found.get_cell_size()
    return max(1, width), max(1, height)
