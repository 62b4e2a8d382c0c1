"""Where a prompt may come from besides the keys: older prompts, templates, and an editor."""

import asyncio
from collections.abc import Callable

from textual.app import SuspendNotSupported
from textual.widget import Widget

from mistral_tui.chat.prompt_templates import prompt_template, prompt_templates
from mistral_tui.tui.chat.prompt import PromptInput
from mistral_tui.tui.environment import Environment
from mistral_tui.types.errors import MistralTuiError


class PromptSources(Widget):
    """Draws nothing. It belongs to a pane, and fetches prompts into its box.

    Args:
        environment: Knows the workspace.
        prompt: Returns the box.
        hint: Says something for a moment.
    """

    DEFAULT_CSS = "PromptSources { display: none; }"

    def __init__(
        self, environment: Environment, prompt: Callable[[], PromptInput], hint: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._workspace = environment.workspace
        self._folder = environment.paths.prompts
        self._prompt = prompt
        self._hint = hint

    def action_history(self) -> None:
        """Search what was asked before, in all stored chats."""
        self.run_worker(self._choose_older(), group="history", exclusive=True)

    def action_prompt(self, name: str = "") -> None:
        """Fill in a prompt template; without a name, choose one."""
        self.run_worker(self._fill(name), group="template", exclusive=True)

    def action_edit(self) -> None:
        """Write the prompt in an editor."""
        from mistral_tui.tui.prompt.editor import edited

        prompt = self._prompt()
        try:
            with self.app.suspend():
                # What is raised in here would leave the terminal to the editor for ever.
                try:
                    text, problem = edited(prompt.full_text), ""
                except MistralTuiError as error:
                    text, problem = "", str(error)
        except SuspendNotSupported:
            text, problem = "", "this terminal cannot be handed to an editor; write here"
        if problem:
            self._hint(problem)
        else:
            prompt.replace_all(text)

    async def _choose_older(self) -> None:
        from mistral_tui.tui.prompt.choosing import SearchChoice

        try:
            prompts = await self._workspace.past_prompts()
        except MistralTuiError as error:
            self._hint(str(error))
            return
        items = [(text, text, "") for text in prompts]
        chosen = await self.app.push_screen_wait(SearchChoice("older prompts", items, "nothing was asked yet"))
        if chosen is not None:
            self._prompt().replace_all(chosen)

    async def _fill(self, name: str) -> None:
        from mistral_tui.tui.prompt.choosing import SearchChoice
        from mistral_tui.tui.prompt.template_form import TemplateForm

        folder = self._folder
        try:
            if name:
                template = await asyncio.to_thread(prompt_template, name, folder)
            else:
                found, problems = await asyncio.to_thread(prompt_templates, folder)
                for problem in problems:
                    self.app.notify(problem, severity="warning")
                items = [(each, each.title, ", ".join(each.variables)) for each in found]
                empty = f"no templates yet; put Markdown files into {folder}"
                chosen = await self.app.push_screen_wait(SearchChoice("prompt templates", items, empty))
                if chosen is None:
                    return
                template = chosen
        except MistralTuiError as error:
            self._hint(str(error))
            return
        text = await self.app.push_screen_wait(TemplateForm(template)) if template.variables else template.text
        if text is not None:
            self._prompt().insert_text(text)
