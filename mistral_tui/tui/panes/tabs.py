"""Which panes are in which tab, which of them is in use, and what is in view: a value, like the trees it is made of."""

from dataclasses import dataclass, replace

from mistral_tui.tui.panes import tree
from mistral_tui.tui.panes.tree import Node


@dataclass(frozen=True)
class Tab:
    """The panes that are in view together."""

    root: Node
    current: int
    """The pane in use."""
    zoomed: bool = False
    """Whether the pane in use has all the room."""
    broadcast: bool = False
    """Whether a prompt goes to all panes."""

    @property
    def panes(self) -> tuple[int, ...]:
        """The panes, from the left to the right and from the top to the bottom."""
        return tree.panes(self.root)


@dataclass(frozen=True)
class Tabs:
    """All tabs; there is always one, and in each always a pane."""

    tabs: tuple[Tab, ...]
    index: int = 0
    """Which tab is in view."""

    @classmethod
    def of(cls, pane: int) -> "Tabs":
        """Return one tab with one pane."""
        return cls((Tab(pane, pane),))

    @property
    def tab(self) -> Tab:
        """The tab in view."""
        return self.tabs[self.index]

    @property
    def panes(self) -> tuple[int, ...]:
        """The panes of all tabs."""
        return tuple(pane for tab in self.tabs for pane in tab.panes)

    def with_tab(self, tab: Tab) -> "Tabs":
        """Put a tab in the place of the one in view."""
        return replace(self, tabs=(*self.tabs[: self.index], tab, *self.tabs[self.index + 1 :]))

    def opened(self, tab: Tab) -> "Tabs":
        """Add a tab after the one in view, and go to it."""
        after = self.index + 1
        return Tabs((*self.tabs[:after], tab, *self.tabs[after:]), after)

    def shown(self, index: int) -> "Tabs":
        """Go to a tab, round the ends."""
        return replace(self, index=index % len(self.tabs))

    def moved(self, step: int) -> "Tabs":
        """Move the tab in view along the line, as far as it goes."""
        to = max(0, min(len(self.tabs) - 1, self.index + step))
        rest = [*self.tabs[: self.index], *self.tabs[self.index + 1 :]]
        rest.insert(to, self.tab)
        return Tabs(tuple(rest), to)

    def used(self, pane: int) -> "Tabs":
        """Go to a pane, in whatever tab it is."""
        index = next(number for number, tab in enumerate(self.tabs) if pane in tab.panes)
        shown = replace(self, index=index)
        return shown.with_tab(replace(shown.tab, current=pane))

    def split(self, new: int, direction: tree.Direction) -> "Tabs":
        """Divide the pane in use, and go to the new one."""
        tab = self.tab
        return self.with_tab(
            replace(tab, root=tree.split(tab.root, tab.current, new, direction), current=new, zoomed=False)
        )

    def without(self, pane: int) -> "Tabs | None":
        """Take a pane away, and its tab if that was its last one; `None`: nothing is left."""
        index = next(number for number, tab in enumerate(self.tabs) if pane in tab.panes)
        tab = self.tabs[index]
        rest = tree.without(tab.root, pane)
        if rest is None:
            tabs = (*self.tabs[:index], *self.tabs[index + 1 :])
            last = index <= self.index and self.index > 0
            return Tabs(tabs, self.index - last) if tabs else None
        left = tree.panes(rest)
        current = tab.current
        if current == pane:
            before = tab.panes.index(pane)
            current = left[max(0, before - 1)]
        tab = replace(tab, root=rest, current=current, zoomed=tab.zoomed and len(left) > 1)
        tab = replace(tab, broadcast=tab.broadcast and len(left) > 1)
        return replace(self, tabs=(*self.tabs[:index], tab, *self.tabs[index + 1 :]))
