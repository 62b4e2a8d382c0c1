"""The progress of a download on stderr."""

from mistral_tui.cli.progress_line import ProgressLine
from mistral_tui.models.download import DownloadProgress
from mistral_tui.models.memory_fit import gigabytes

_WORDS = {
    "waiting": "waiting for another download of",
    "downloading": "fetching",
    "checking": "fetching",
    "unpacking": "unpacking",
}


class DownloadLine(ProgressLine):
    """Shows how far the download of the model `name` has come."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def take(self, progress: DownloadProgress) -> None:
        """Show `progress`."""
        if word := _WORDS.get(progress.stage):
            known = progress.stage not in ("waiting", "preparing") and progress.total > 0
            share = progress.done / progress.total if known else None
            self.show(f"{word} {self._name}", share, gigabytes(progress.total))
