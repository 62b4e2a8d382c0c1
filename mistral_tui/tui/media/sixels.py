"""Pictures as Sixels: a widget of its own, since they are no text and lie over the cells."""

from textual.widget import Widget

from mistral_tui.chat.previews.preview import Pixels
from mistral_tui.tui.media.boxes import Box


def sixels_of(pixels: Pixels, box: Box, offset: tuple[int, int]) -> Widget:
    """Return a widget that draws a picture over another widget.

    Args:
        pixels: The picture.
        box: Its room.
        offset: Where its upper left corner is on the other widget.
    """
    from PIL import Image  # an extra, which is loaded already where the terminal draws Sixels
    from textual_image.widget import SixelImage

    widget: Widget = SixelImage(Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb))
    widget.styles.position = "absolute"
    widget.styles.offset = offset
    widget.styles.width, widget.styles.height = box
    return widget
