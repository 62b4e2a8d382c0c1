"""Run with the Python of `.venv`: load llama.cpp, and let it write two tokens if a model is given.

A build that does not suit the processor crashes here, where it can be told, and not in front of a person.
"""

import sys


def main() -> None:
    import llama_cpp

    llama_cpp.llama_backend_init()
    features = llama_cpp.llama_print_system_info().decode()
    print(f"llama-cpp-python {llama_cpp.__version__}, {features}")
    if not llama_cpp.llama_supports_rpc():
        sys.exit("the library was built without RPC")
    for model in sys.argv[1:]:
        llama = llama_cpp.Llama(model, n_ctx=64, n_threads=1, verbose=False)
        print(model, llama.create_completion("The sky is", max_tokens=2, temperature=0))


if __name__ == "__main__":
    main()
