"""What flows through the program: messages, events, requests, model descriptions, errors.

Small frozen structs and nothing else: no input or output, no heavy imports. The structs are also the wire
format between the interface and its workers, and (the messages) the format of the database.
"""
