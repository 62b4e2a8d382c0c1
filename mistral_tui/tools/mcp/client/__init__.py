"""The connections to servers, on the SDK: only the process of the tools imports it."""
