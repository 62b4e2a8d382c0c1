"""What is done with panes and tabs. Most keys are chords: first ctrl+s (or f12), which lists what may follow."""

from mistral_tui.tui.actions.action import Action


def _chords(*keys: str) -> tuple[str, ...]:
    return tuple(f"ctrl+s {key}" for key in keys)


def _panes(
    name: str, title: str, keys: tuple[str, ...], *, call: str = "", slash: str = "", palette: bool = True, short: str
) -> Action:
    return Action(
        name, title, keys, "panes", "Panes", call=call, slash=(slash,) if slash else (), palette=palette, short=short
    )


PANES: tuple[Action, ...] = (
    Action(
        "pane_keys",
        "Panes and tabs: the keys that may follow",
        ("ctrl+s", "f12"),
        "screen",
        "Panes",
        palette=True,
        priority=True,  # the key that follows may come before the prompt has seen this one
    ),
    _panes(
        "split_right",
        "Another pane at the right",
        _chords("v"),
        call="split('right')",
        slash="vsplit",
        short="pane right",
    ),
    _panes("split_down", "Another pane below", _chords("s"), call="split('down')", slash="split", short="pane below"),
    _panes("zoom", "Zoom the pane", _chords("z"), slash="zoom", short="zoom"),
    _panes("close_pane", "Close the pane; its chat stays", _chords("x"), slash="close", short="close"),
    _panes("broadcast", "Prompts go to all panes of the tab, or not", _chords("a"), slash="broadcast", short="to all"),
    *(
        _panes(
            f"focus_{direction}",
            f"Pane {where}",
            (*_chords(direction, letter), f"alt+{direction}"),
            call=f"focus_pane('{direction}')",
            palette=False,
            short="go",
        )
        for direction, letter, where in (
            ("left", "h", "at the left"),
            ("down", "j", "below"),
            ("up", "k", "above"),
            ("right", "l", "at the right"),
        )
    ),
    _panes("next_pane", "Next pane", _chords("o"), palette=False, short="next pane"),
    *(
        _panes(
            f"move_{direction}",
            f"Move the pane {where}",
            _chords(letter),
            call=f"move_pane('{direction}')",
            palette=False,
            short="move",
        )
        for direction, letter, where in (
            ("left", "H", "left"),
            ("down", "J", "down"),
            ("up", "K", "up"),
            ("right", "L", "right"),
        )
    ),
    *(
        _panes(
            f"resize_{name}",
            title,
            _chords(key),
            call=f"resize_pane('{axis}', {step})",
            palette=False,
            short="resize",
        )
        for name, title, key, axis, step in (
            ("larger", "Let the pane grow: higher, else wider", "plus", "rows", 1),
            ("smaller", "Let the pane shrink: lower, else narrower", "minus", "rows", -1),
            ("wider", "Widen the pane", "greater_than_sign", "columns", 1),
            ("narrower", "Narrow the pane", "less_than_sign", "columns", -1),
        )
    ),
    _panes("new_tab", "New tab", _chords("t"), slash="tab", short="new tab"),
    _panes("next_tab", "Next tab", (*_chords("n"), "ctrl+pagedown"), call="turn_tab(1)", short="tabs"),
    _panes("previous_tab", "Tab before", (*_chords("p"), "ctrl+pageup"), call="turn_tab(-1)", short="tabs"),
    _panes("tab_right", "Move the tab right", _chords("N"), call="move_tab(1)", palette=False, short="move tab"),
    _panes("tab_left", "Move the tab left", _chords("P"), call="move_tab(-1)", palette=False, short="move tab"),
    _panes("close_tab", "Close the tab", _chords("X"), short="close tab"),
    *(
        _panes(
            f"tab_{number}",
            f"Tab {number}",
            _chords(str(number)),
            call=f"go_to_tab({number})",
            palette=False,
            short="tab",
        )
        for number in range(1, 10)
    ),
)
