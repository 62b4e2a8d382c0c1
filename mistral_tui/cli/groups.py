"""Runs a command group that is written with Typer, with this program's errors and exit statuses."""

from collections.abc import Callable, Sequence
from typing import Any

import typer

from mistral_tui.cli.failures import CANCELLED
from mistral_tui.types.errors import InvalidRequest


def run_group(target: typer.Typer | Callable[..., Any], prog: str, arguments: Sequence[str]) -> int:
    """Run a Typer app, or a function with Typer's parameters as an app of one command.

    Raises:
        InvalidRequest: The arguments are wrong.
    """
    if isinstance(target, typer.Typer):
        app = target
        arguments = arguments or ["--help"]
    else:
        app = _app_of(target)
    try:
        status = app(args=list(arguments), prog_name=prog, standalone_mode=False)
    except typer.Abort:
        return CANCELLED
    except typer.TyperException as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        raise InvalidRequest(f"{message.rstrip('.')}; `{prog} --help` shows what there is") from error
    return status if isinstance(status, int) else 0


def _app_of(function: Callable[..., Any]) -> typer.Typer:
    # rich_markup_mode=None: plain help, at a third of the time.
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(function)
    return app
