"""An MCP server of the era before 2026 that does one thing wrong, or none: `python misbehaving.py HOW`.

It is written without the SDK, so that it starts at once and can be wrong in every way.
"""

import json
import os
import signal
import subprocess
import sys
import time

HOW = sys.argv[1] if len(sys.argv) > 1 else "not"
TOOL = {
    "name": "echo",
    "description": "Says what it is told",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}


def send(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def tools(cursor: str | None) -> dict[str, object]:
    match HOW:
        case "has an invalid tool":
            return {"tools": [{"name": "broken", "inputSchema": "none"}, {"description": "no name"}, 7, TOOL]}
        case "lists for ever":
            number = int(cursor or "0")
            return {"tools": [{**TOOL, "name": f"echo{number}"}], "nextCursor": str(number + 1)}
        case _:
            return {"tools": [TOOL]}


def ask(method: str, params: dict[str, object]) -> str:
    """Ask the client something in the middle of a call, and return its answer as text."""
    send({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
    reply = json.loads(sys.stdin.readline())
    return json.dumps(reply.get("result") or reply.get("error"))


def call(number: int, arguments: dict[str, str], token: object) -> None:
    text = arguments.get("text", "")
    match HOW:
        case "dies in mid-call":
            sys.stderr.write("out of ideas\n")
            sys.exit(3)
        case "never answers a call":
            return
        case "answers with a wrong id":
            number += 1000
        case "returns 60 MB":
            text = "x" * 60_000_000
        case "returns something unknown":
            send({"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "smell", "of": "roses"}]}})
            return
        case "reports progress":
            for step in range(10):
                time.sleep(0.1)
                progress = {"progressToken": token, "progress": step, "total": 10, "message": f"step {step}"}
                send({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress})
        case "floods standard error":
            for _ in range(200_000):
                sys.stderr.write("noise " * 20 + "\n")
        case "prints garbage":
            sys.stdout.write("Listening on port 3000\n{\n")
            sys.stdout.flush()
            sys.stdout.buffer.write(b"\xff\xfe\x80\n")
            sys.stdout.buffer.flush()
        case "waits":
            time.sleep(1.0)
        case "asks for a form":
            fields: dict[str, object] = {"when": {"type": "string"}, "boats": {"type": "integer", "default": 2}}
            form: dict[str, object] = {
                "message": "Which tide?",
                "requestedSchema": {"type": "object", "properties": fields},
            }
            text = ask("elicitation/create", form)
        case "asks for an address":
            text = ask("elicitation/create", {"mode": "url", "message": "Pay", "url": text, "elicitationId": "7"})
        case "asks for a model":
            said = {"role": "user", "content": {"type": "text", "text": "Is it high tide?"}}
            text = ask("sampling/createMessage", {"messages": [said], "maxTokens": 20, "systemPrompt": "Be brief."})
        case "asks for folders":
            text = ask("roots/list", {})
        case "changes its tools":
            TOOL["description"] = "Says what it wants"
            for _ in range(1000):
                send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        case "tells what it does":
            params = {"level": "warning", "logger": "tides", "data": "the moon is late"}
            send({"jsonrpc": "2.0", "method": "notifications/message", "params": params})
    send({"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": text}]}})


def main() -> None:
    if HOW == "exits at once":
        sys.exit("no license found")
    if HOW == "never says hello":
        time.sleep(1000)
    if HOW == "ignores SIGTERM and has a child":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        sys.stderr.write(f"child {child.pid}\n")
        sys.stderr.flush()
    capabilities: dict[str, object] = {}
    # Not `for line in sys.stdin`, which reads ahead.
    while line := sys.stdin.readline():
        message = json.loads(line)
        number = message.get("id")
        match message.get("method"):
            case "initialize":
                capabilities.update(message["params"]["capabilities"])
                result: dict[str, object] = {
                    "protocolVersion": "2025-11-25" if HOW.startswith("asks") else "2025-06-18",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "misbehaving", "version": "1"},
                }
                send({"jsonrpc": "2.0", "id": number, "result": result})
            case "tools/list" if HOW == "tells what it was told":
                named = [{**TOOL, "name": name} for name in capabilities]
                send(
                    {
                        "jsonrpc": "2.0",
                        "id": number,
                        "result": {"tools": named},
                    }
                )
            case "tools/list":
                cursor = (message.get("params") or {}).get("cursor")
                send({"jsonrpc": "2.0", "id": number, "result": tools(cursor)})
            case "tools/call":
                parameters = message["params"]
                token = (parameters.get("_meta") or {}).get("progressToken")
                call(number, parameters.get("arguments") or {}, token)
            case _ if number is not None:
                send({"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "Method not found"}})
    if HOW == "ignores SIGTERM and has a child":
        time.sleep(1000)
    os._exit(0)


if __name__ == "__main__":
    main()
