"""The token that is pointed at, and what could have stood in its place."""

import math
from dataclasses import dataclass
from typing import ClassVar

from textual.app import RenderResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from mistral_tui.chat.token_scores import ALTERNATIVES, ScoredReply
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.chat.gauge import gauge
from mistral_tui.tui.chat.token_rows import likelihood_style
from mistral_tui.types.events import TokenChance, TokenScored
from mistral_tui.types.text import printable

UNLIKELY = 0.6
"""A token of a lower probability is worth a look."""
_BAR = 12
_TEXT = 28
"""Cells of a token's text."""


class TokenPanel(Widget, inherit_bindings=False, can_focus=True):
    """A cursor over the tokens of one reply."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("tokens")

    @dataclass
    class Moved(Message):
        """Another token is pointed at, or none any more."""

        panel: "TokenPanel"
        message_id: str
        token: int | None

        @property
        def control(self) -> "TokenPanel":
            """The panel that sent this message."""
            return self.panel

    @dataclass
    class Left(Message):
        """The person goes back to the messages."""

        panel: "TokenPanel"

        @property
        def control(self) -> "TokenPanel":
            """The panel that sent this message."""
            return self.panel

    @dataclass
    class Taken(Message):
        """The reply is to go on from an alternative."""

        panel: "TokenPanel"
        message_id: str
        token: int
        instead: TokenChance

        @property
        def control(self) -> "TokenPanel":
            """The panel that sent this message."""
            return self.panel

    def __init__(self) -> None:
        super().__init__()
        self._message_id = ""
        self._tokens: list[TokenScored] = []
        self._at = 0
        self._picked = 0

    def show(self, message_id: str, reply: ScoredReply) -> None:
        """Point at the first token of a reply that was a choice at all."""
        self._message_id = message_id
        self._tokens = reply.tokens
        self.display = True
        first = next((at for at, token in enumerate(self._tokens) if _probability(token.chosen) < UNLIKELY), 0)
        self._point_at(first)
        self.focus()

    def action_move(self, step: int) -> None:
        """Point at another token."""
        self._point_at(max(0, min(len(self._tokens) - 1, self._at + step)))

    def action_unlikely(self, step: int) -> None:
        """Point at the next token in this direction that was not likely."""
        ahead = range(self._at + step, len(self._tokens) if step > 0 else -1, step)
        found = next((at for at in ahead if _probability(self._tokens[at].chosen) < UNLIKELY), self._at)
        self._point_at(found)

    def action_pick(self, step: int) -> None:
        """Pick another alternative."""
        self._picked = max(0, min(len(self._alternatives) - 1, self._picked + step))
        self.refresh()

    def action_take(self) -> None:
        """Let the reply go on from the alternative that is picked."""
        if self._picked < len(self._alternatives):
            self.post_message(self.Taken(self, self._message_id, self._at, self._alternatives[self._picked]))

    def action_close(self) -> None:
        """Point at nothing any more, and go back to the messages."""
        self.close()
        self.post_message(self.Left(self))

    def close(self) -> None:
        """Point at nothing any more."""
        if self.display:
            self.display = False
            self.post_message(self.Moved(self, self._message_id, None))

    def render(self) -> RenderResult:
        """Draw the token, then its alternatives, the likeliest first."""
        if not self._tokens:
            return ""
        chosen = self._tokens[self._at].chosen
        width = len(f"{len(self._tokens):,}")
        head = Content.assemble(
            (f"token {self._at + 1:>{width},}/{len(self._tokens):,}  ", "$text-muted"),
            (_shown(chosen), "bold"),
            "  ",
            (f"{_probability(chosen):.1%}", likelihood_style(chosen)),
        )
        rows = [head, *(self._row(place, each) for place, each in enumerate(self._alternatives))]
        rows += [Content("")] * (ALTERNATIVES + 1 - len(rows))
        hint = Content.styled(
            "←→ token  shift+←→ unlikely  ↑↓ alternative  enter goes on from it  esc", "$text-disabled"
        )
        return Content("\n").join([*rows, hint])

    def _row(self, place: int, each: TokenChance) -> Content:
        mark = "▌ " if place == self._picked else "  "
        text = Content(_shown(each)).truncate(_TEXT, ellipsis=True)
        taken = each.token == self._tokens[self._at].chosen.token
        share = f"{_probability(each):.1%}"
        row = Content.assemble(
            (mark, "$accent"),
            " " * (6 - len(share)),  # not underlined, as the share may be
            (share, likelihood_style(each)),
            " ",
            gauge(_probability(each), _BAR, "$accent"),
            "  ",
            text,
            ("  in the text" if taken else "", "$text-disabled"),
        )
        return row.stylize("on $selected") if place == self._picked else row

    @property
    def _alternatives(self) -> tuple[TokenChance, ...]:
        return self._tokens[self._at].top[:ALTERNATIVES] if self._tokens else ()

    def _point_at(self, token: int) -> None:
        self._at = token
        taken = self._tokens[token].chosen.token if self._tokens else -1
        # What is in the text already is no way to go on.
        others = [place for place, each in enumerate(self._alternatives) if each.token != taken]
        self._picked = others[0] if others else 0
        self.refresh()
        self.post_message(self.Moved(self, self._message_id, token))


def _probability(chance: TokenChance) -> float:
    return math.exp(chance.logprob)


def _shown(chance: TokenChance) -> str:
    return f"“{printable(chance.text)}”".replace("\n", "↵").replace("\t", "⇥")
