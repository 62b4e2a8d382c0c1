"""`mistral-tui ask`: one answer on stdout."""

import asyncio
from collections.abc import Sequence

import msgspec

from mistral_tui.chat.documents.fitting import FITS, Fit, fit_documents, room_for_documents
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.settings import with_settings
from mistral_tui.chat.token_count import count_parts
from mistral_tui.chat.workspace import Pool, Workspace
from mistral_tui.cli.answer import Answer
from mistral_tui.cli.choices import Choices
from mistral_tui.cli.failures import say
from mistral_tui.cli.flags import ArgumentParser, ModelFlags, SamplingFlags, add_model_flags, add_sampling_flags
from mistral_tui.cli.grammar import GrammarFlags, add_grammar_flags, read_grammar
from mistral_tui.cli.pools import pool_for
from mistral_tui.cli.prompt import Prompt, gather
from mistral_tui.cli.setup import Setup
from mistral_tui.cli.template_flags import documents_of
from mistral_tui.cli.tools import ToolFlags, add_tool_flags, with_tools
from mistral_tui.engines.choices import check_count
from mistral_tui.engines.engine import Engine
from mistral_tui.store.store import Store
from mistral_tui.types.errors import InvalidRequest, MistralTuiError, StoreError
from mistral_tui.types.messages import Attachment, FilePart, TextPart
from mistral_tui.types.requests import GenerateRequest


class AskFlags(SamplingFlags, GrammarFlags, ToolFlags):
    """The prompt and what to do with the answer."""

    prompt: list[str]
    file: list[str] | None = None
    fit: Fit | None = None
    prompt_template: str | None = None
    variable: list[str] | None = None
    document: list[str] | None = None
    system: str | None = None
    continues: bool = False
    no_save: bool = False
    stats: bool = False
    json: bool = False
    logprobs: int | None = None
    choices: int = 1
    show_thinking: bool = False


def ask(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Answer one prompt and return the exit status.

    Args:
        arguments: What follows the command.
        flags: Those before the command; `arguments` override them.
    """
    call = parse(arguments, flags)
    setup = Setup.read(strict=True)
    return asyncio.run(answer(call, setup, pool_for(setup, call)))


def parse(arguments: Sequence[str], flags: ModelFlags) -> AskFlags:
    """Return what `arguments` and the flags before the command ask for.

    Raises:
        InvalidRequest: They make no sense.
    """
    call = _parser().parse_intermixed_args(arguments, namespace=AskFlags(**vars(flags)))
    if call.continues and (call.no_save or call.system is not None):
        other = "--no-save" if call.no_save else "--system"
        raise InvalidRequest(f"--continue goes on with a stored session and cannot be had with {other}; leave one out")
    check_count(call.choices)
    if call.show_thinking and (call.choices > 1 or call.json):
        other = "--json has the thoughts anyway" if call.json else "the thoughts of --choices come with --json"
        raise InvalidRequest(f"--show-thinking shows the thoughts of one reply as it is written, and {other}")
    return call


async def answer(call: AskFlags, setup: Setup, pool: Pool) -> int:
    """Ask the model, print what it says and return the exit status.

    Raises:
        MistralTuiError: There is no answer.
        asyncio.CancelledError: The person pressed ctrl+c; what was said is printed and stored.
    """
    store = None if call.no_save else Store(setup.paths.database)
    request = _request(call, setup)
    workspace = Workspace(pool, store, None, setup.load_options(call), request)
    workspace.listen(lambda notice: say("note", notice))
    workspace.embedding_entry = setup.embedding_entry if call.fit == "passages" else None
    try:
        chat = await _chat(call, setup, workspace)
        # The model loads while files and the pipe are read.
        loading = asyncio.create_task(workspace.preload())
        try:
            prompt = await gather(
                _words(call, setup), call.file or (), None if call.no_save else setup.paths.attachments
            )
            engine = await loading
            if prompt.files:
                prompt = prompt._replace(files=await _fitting(prompt, call.fit, engine, workspace, chat))
        finally:
            loading.cancel()
        for notice in (*setup.notices, *engine.model.notices):
            say("note", notice)
        printer: Answer | Choices = Answer(
            chat.cancel, streaming=not call.json, grammar=request.grammar, show_thinking=call.show_thinking
        )
        if call.choices > 1:
            printer = Choices(call.choices, chat.cancel, printing=not call.json, grammar=request.grammar)
        chat.subscribe(printer.listen)
        chat.send(prompt.text, prompt.files, call.choices)
        try:
            await chat.wait()
        finally:
            await chat.close()
            stored = store is not None and chat.unsaved is None
            printer.end()
            if call.json:
                printer.print_json(chat.conversation.session.id if stored else None)
            elif call.logprobs is not None:
                printer.print_logprobs()
            if call.stats:
                printer.print_statistics()
    finally:
        await workspace.close()
        for notice in workspace.notices:
            say("note", notice)
    if isinstance(printer.broken, BrokenPipeError):
        raise printer.broken
    if printer.broken is not None:
        raise MistralTuiError(f"the answer cannot be written: {printer.broken.strerror}; it is kept in the session")
    if printer.error is not None:
        raise printer.error
    return 0


def _words(call: AskFlags, setup: Setup) -> list[str]:
    """Return the words of the prompt, after those of the template, if one is named."""
    if call.prompt_template is None:
        if call.variable:
            raise InvalidRequest("--var gives values to a prompt template; name one with --prompt-template")
        return call.prompt
    from mistral_tui.chat.prompt_templates import prompt_template

    values = {}
    for given in call.variable or ():
        name, equals, value = given.partition("=")
        if not equals:
            raise InvalidRequest(f"--var {given!r:.60} has no value; write NAME=VALUE")
        values[name] = value
    text = prompt_template(call.prompt_template, setup.paths.prompts).filled(values)
    return ["\n\n".join(filter(None, (text, " ".join(call.prompt))))]


async def _fitting(
    prompt: Prompt, fit: Fit | None, engine: Engine, workspace: Workspace, chat: LiveChat
) -> tuple[Attachment, ...]:
    """Return the files of the prompt as far as they are to be given.

    Raises:
        DocumentTooLong: One does not fit into the context, and nobody has said what is given of it.
    """

    async def count(part: TextPart | FilePart) -> int:
        return (await count_parts(engine, chat.request, part)).tokens

    room = room_for_documents(engine.model.n_ctx, await count(TextPart(prompt.text)))
    files = [(part, fit) for part in prompt.files]
    return await fit_documents(files, prompt.text, room, count, workspace.retrieval(chat))


def _request(call: AskFlags, setup: Setup) -> GenerateRequest:
    documents = documents_of(call.document or ())
    request = msgspec.structs.replace(setup.request(call), grammar=read_grammar(call), documents=documents)
    request = with_tools(request, call)
    if call.logprobs is None:
        return request
    sampling = msgspec.structs.replace(request.sampling, logprobs=True, top_logprobs=call.logprobs)
    return msgspec.structs.replace(request, sampling=sampling)


async def _chat(call: AskFlags, setup: Setup, workspace: Workspace) -> LiveChat:
    """Return the chat that the prompt belongs to, and choose the workspace's model."""
    if not call.continues:
        workspace.entry = setup.entry_or_error(call.wanted)
        return workspace.new_chat(private=call.no_save, system_prompt=call.system)
    latest = await workspace.library.latest()
    if latest is None:
        raise StoreError("there is no session to continue; leave out --continue")
    chat = await workspace.open_chat(latest.id)
    workspace.entry = setup.entry_of_session(call.wanted, latest.next_model)
    not_asked = {name: value for name, value in latest.settings.items() if getattr(call, name, None) is None}
    chat.settings.request = with_settings(workspace.request, not_asked)
    return chat


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "mistral-tui ask",
        'One answer on stdout. What is piped in goes along: `cat letter | mistral-tui ask "summarise"`.',
        usage="mistral-tui ask [FLAGS] PROMPT…",
    )
    parser.add_argument("prompt", nargs="*", help="what to ask")
    parser.add_argument(
        "-f",
        "--file",
        action="append",
        metavar="FILE",
        help="a text, PDF, DOCX, picture or recording to go along",
    )
    parser.add_argument(
        "--fit",
        choices=FITS,
        help="what to give of files that are too long for the context; passages: those that fit the question",
    )
    parser.add_argument("--prompt-template", metavar="NAME", help="a prompt of yours that words are put into")
    parser.add_argument(
        "-v", "--var", dest="variable", action="append", metavar="NAME=VALUE", help="a value for its places"
    )
    parser.add_argument(
        "--document", action="append", metavar="FILE", help="a text to answer from, for models that were taught to"
    )
    parser.add_argument("--system", metavar="TEXT", help="what the model should know or be")
    parser.add_argument("-c", "--continue", dest="continues", action="store_true", help="go on with the last session")
    parser.add_argument("--no-save", action="store_true", help="keep no session of it")
    parser.add_argument("--stats", action="store_true", help="print tokens and rates to stderr")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the text")
    parser.add_argument(
        "--show-thinking", action="store_true", help="print what the model thinks before it answers to stderr"
    )
    parser.add_argument(
        "--logprobs",
        type=int,
        metavar="N",
        help="print to stderr how likely each token was, and the N likeliest, up to 20; with --json: as part of it",
    )
    parser.add_argument("--choices", type=int, metavar="N", help="write N replies at once, each with a seed of its own")
    add_model_flags(parser, c_is_template=False)
    add_sampling_flags(parser)
    add_grammar_flags(parser)
    add_tool_flags(parser)
    return parser
