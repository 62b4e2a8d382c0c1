"""What is done with panes and tabs. Most keys are chords: first ctrl+s (or f12), which lists what may follow."""

from mistral_tui.tui.actions.action import Action


def _chords(*keys: str) -> tuple[str, ...]:
    return tuple(f"ctrl+s {key}" for key in keys)


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
    Action(
        "split_right",
        "Another pane at the right",
        _chords("v"),
        "panes",
        "Panes",
        call="split('right')",
        slash=("vsplit",),
        palette=True,
        short="pane right",
    ),
    Action(
        "split_down",
        "Another pane below",
        _chords("s"),
        "panes",
        "Panes",
        call="split('down')",
        slash=("split",),
        palette=True,
        short="pane below",
    ),
    Action("zoom", "Zoom the pane", _chords("z"), "panes", "Panes", slash=("zoom",), palette=True, short="zoom"),
    Action(
        "close_pane",
        "Close the pane; its chat stays",
        _chords("x"),
        "panes",
        "Panes",
        slash=("close",),
        palette=True,
        short="close",
    ),
    Action(
        "broadcast",
        "Prompts go to all panes of the tab, or not",
        _chords("a"),
        "panes",
        "Panes",
        slash=("broadcast",),
        palette=True,
        short="to all",
    ),
    *(
        Action(
            f"focus_{direction}",
            f"Pane {where}",
            (*_chords(direction, letter), f"alt+{direction}"),
            "panes",
            "Panes",
            call=f"focus_pane('{direction}')",
            short="go",
        )
        for direction, letter, where in (
            ("left", "h", "at the left"),
            ("down", "j", "below"),
            ("up", "k", "above"),
            ("right", "l", "at the right"),
        )
    ),
    Action("next_pane", "Next pane", _chords("o"), "panes", "Panes", short="next pane"),
    *(
        Action(
            f"move_{direction}",
            f"Move the pane {where}",
            _chords(letter),
            "panes",
            "Panes",
            call=f"move_pane('{direction}')",
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
        Action(
            f"resize_{direction}",
            f"Move the divider {direction}",
            _chords(key),
            "panes",
            "Panes",
            call=f"resize_pane('{direction}')",
            short="divider",
        )
        for direction, key in (
            ("left", "less_than_sign"),
            ("down", "plus"),
            ("up", "minus"),
            ("right", "greater_than_sign"),
        )
    ),
    Action("new_tab", "New tab", _chords("t"), "panes", "Panes", slash=("tab",), palette=True, short="new tab"),
    Action(
        "next_tab",
        "Next tab",
        (*_chords("n"), "ctrl+pagedown"),
        "panes",
        "Panes",
        call="turn_tab(1)",
        palette=True,
        short="tabs",
    ),
    Action(
        "previous_tab",
        "Tab before",
        (*_chords("p"), "ctrl+pageup"),
        "panes",
        "Panes",
        call="turn_tab(-1)",
        palette=True,
        short="tabs",
    ),
    Action("tab_right", "Move the tab right", _chords("N"), "panes", "Panes", call="move_tab(1)", short="move tab"),
    Action("tab_left", "Move the tab left", _chords("P"), "panes", "Panes", call="move_tab(-1)", short="move tab"),
    Action("close_tab", "Close the tab", _chords("X"), "panes", "Panes", palette=True, short="close tab"),
    *(
        Action(
            f"tab_{number}",
            f"Tab {number}",
            _chords(str(number)),
            "panes",
            "Panes",
            call=f"go_to_tab({number})",
            short="tab",
        )
        for number in range(1, 10)
    ),
)
